-- Service agreements as contributions tells of them: blank A.0 of the annual report.
CREATE TABLE agreement (
    tenant_id    uuid    NOT NULL,
    agreement_id uuid    NOT NULL,
    programme_id uuid    NOT NULL,
    from_day     date    NOT NULL,
    until_day    date    NOT NULL,
    has_scan     boolean NOT NULL,
    PRIMARY KEY (tenant_id, agreement_id)
);
SELECT guard_tenant('agreement');
