// The public pages: the state of the platform, signing in and out.  No framework, no inline code (CSP).
"use strict";

const names = {
  identity: "身份", contributions: "筹集", claims: "申请", coding: "病案编码",
  disbursement: "发放", disclosure: "公示", audit: "审计",
};

const byId = (id) => document.getElementById(id);

function cookie(name) {
  for (const part of document.cookie.split("; "))
    if (part.startsWith(name + "=")) return part.slice(name.length + 1);
  return "";
}

// Answers {ok, status, body}; a problem's sentence is in body.title.
async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = cookie("__Host-huzhu-csrf");
  try {
    const answer = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin", cache: "no-store",
    });
    const text = await answer.text();
    return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : {} };
  } catch {
    return { ok: false, status: 0, body: { title: "网络不通，请稍后再试" } };
  }
}

function show(signedIn) {
  for (const element of document.querySelectorAll("[data-when]"))
    element.hidden = (element.dataset.when === "in") !== signedIn;
}

function say(text) {
  const place = byId("message");
  if (place) place.textContent = text;
}

async function showHealth() {
  const list = byId("services");
  if (!list) return;
  const { body } = await call("GET", "/readyz");
  const services = body.services || {};
  list.replaceChildren(...Object.keys(names).map((key) => {
    const item = document.createElement("li");
    item.textContent = names[key] + (services[key] ? "：正常" : "：暂不可用");
    item.classList.toggle("down", !services[key]);
    return item;
  }));
  byId("summary").textContent = body.status === "ok" ? "各项服务正常。" : "部分服务暂不可用，正在恢复。";
}

function facts(rows) {
  byId("facts").replaceChildren(...rows.filter(([, value]) => value).flatMap(([key, value]) => {
    const term = document.createElement("dt");
    const detail = document.createElement("dd");
    term.textContent = key;
    detail.textContent = value;
    return [term, detail];
  }));
}

async function showAccount() {
  const signedIn = cookie("__Host-huzhu-csrf") !== "";
  if (!signedIn) return show(false);
  const { ok, status, body } = await call("GET", "/api/v1/me");
  show(ok);
  if (!ok) {
    if (status !== 401) say(body.title || "");
    return;
  }
  if (!byId("facts")) return;
  const account = body.account || {};
  facts([["姓名", account.displayName], ["登录名", account.loginName], ["单位", (body.tenant || {}).name]]);
  byId("change").hidden = !account.mustChangePassword;
}

function onSubmit(id, act) {
  const form = byId(id);
  if (!form) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    say("");
    const { ok, body } = await act();
    button.disabled = false;
    if (!ok) return say(body.title || "没有成功，请重试");
    form.reset();
    await showAccount();
  });
}

onSubmit("sign-in", () => call("POST", "/api/v1/sessions", {
  loginName: byId("login").value.trim(), password: byId("password").value,
}));
onSubmit("change", () => call("POST", "/api/v1/me:changePassword", {
  oldPassword: byId("old").value, newPassword: byId("new").value,
}));
const signOut = byId("sign-out");
if (signOut) signOut.addEventListener("click", async () => {
  const { ok, body } = await call("POST", "/api/v1/sessions:signOut", {});
  if (!ok) say(body.title || "");
  await showAccount();
});

showHealth();
showAccount();
