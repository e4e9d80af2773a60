/* handlers_next.c - rpcs of the contract whose steps come with the next commits: they say so. */
#include "handlers.h"

#define NEXT(fn, rpc)                                                                              \
    err_t fn(struct call *c, const Coding__##rpc##Request *in, Coding__##rpc##Reply *out)          \
    {                                                                                              \
        (void) in, (void) out;                                                                     \
        return err_set(&c->err, ERR_UNAVAILABLE, CODING_NEXT, #rpc " is not built in yet");        \
    }
NEXT(coding_create_subsidy_table, CreateSubsidyTable)
NEXT(coding_get_subsidy_table, GetSubsidyTable)
NEXT(coding_list_subsidy_tables, ListSubsidyTables)
NEXT(coding_change_subsidy_table, ChangeSubsidyTable)
NEXT(coding_confirm_subsidy_table, ConfirmSubsidyTable)
NEXT(coding_freeze_subsidy_table, FreezeSubsidyTable)
NEXT(coding_export_subsidy_table, ExportSubsidyTable)
NEXT(coding_search_codes, SearchCodes)
NEXT(coding_record_certificate, RecordCertificate)
NEXT(coding_list_certificates, ListCertificates)
NEXT(coding_take_job, TakeJob)
NEXT(coding_get_job, GetJob)
NEXT(coding_renew_job, RenewJob)
NEXT(coding_release_job, ReleaseJob)
NEXT(coding_ask_papers, AskPapers)
NEXT(coding_mark_unfit, MarkUnfit)
NEXT(coding_submit_coding, SubmitCoding)
NEXT(coding_take_review, TakeReview)
NEXT(coding_approve_coding, ApproveCoding)
NEXT(coding_return_coding, ReturnCoding)
NEXT(coding_list_jobs, ListJobs)
NEXT(coding_get_queue_figures, GetQueueFigures)
NEXT(coding_get_basis, GetBasis)
