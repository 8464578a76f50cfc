// What the pages do by themselves: enable the button while there is text, send the post, say what came of it.
"use strict";

const LONGEST = 280;

function cookie(name) {
  const found = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
  return found ? found.slice(name.length + 1) : "";
}

function toast(message, href) {
  document.querySelectorAll('[data-testid="toast"]').forEach((old) => old.remove());
  const box = document.createElement("div");
  box.dataset.testid = "toast";
  box.setAttribute("role", "alert");
  const said = document.createElement("span");
  said.textContent = message;
  box.append(said);
  if (href) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = "View";
    box.append(link);
  }
  document.body.append(box);
  setTimeout(() => box.remove(), 8000);
}

// innerText counts the empty line of `<div><br></div>` twice, so the lines are put together here.
function plainText(area) {
  let out = "";
  area.childNodes.forEach((node) => {
    if (node.nodeName === "BR") out += "\n";
    else if (node.nodeName === "DIV") out += (node === area.firstChild ? "" : "\n") + node.textContent;
    else out += node.textContent;
  });
  return out.replace(/\n$/, "");
}

function wire(composer) {
  const area = composer.querySelector('[data-testid="tweetTextarea_0"]');
  const button = composer.querySelector('[data-testid^="tweetButton"]');
  const left = composer.querySelector(".left");
  const text = () => (area.plainText ? area.plainText() : plainText(area));
  let busy = false;

  function refresh() {
    const length = [...text()].length;
    const ready = !busy && text().trim() !== "";
    button.setAttribute("aria-disabled", ready ? "false" : "true");
    left.textContent = length ? String(LONGEST - length) : "";
  }

  // One of the site's three calls. `plan` of the shape "sends" says which, and what else goes out with it.
  function create(how, said) {
    const parent = composer.dataset.inReplyTo;
    const headers = { "x-csrf-token": cookie("ct0"), "content-type": "application/json" };
    if (how === "update") {
      const form = new URLSearchParams({ status: said, ...(parent && { in_reply_to_status_id: parent }) });
      headers["content-type"] = "application/x-www-form-urlencoded";
      return fetch("/i/api/1.1/statuses/update.json", { method: "POST", headers, body: form.toString() });
    }
    const variables = { tweet_text: said, dark_request: false, semantic_annotation_ids: [] };
    if (parent) variables.reply = { in_reply_to_tweet_id: parent, exclude_reply_user_ids: [] };
    const body = JSON.stringify({ variables, queryId: "r00stSandbox" });
    return fetch(`/i/api/graphql/r00stSandbox/${how}`, { method: "POST", headers, body });
  }

  async function send() {
    if (button.getAttribute("aria-disabled") === "true") return;
    busy = true;
    refresh();
    const said = text();
    const sends = (window.SHAPES || {}).sends || {};
    const how = (window.SHAPES || {}).subscriber && said.length > window.SHAPES.subscriber.over
      ? "CreateNoteTweet" : sends.by || "CreateTweet";
    try {
      if (window.beforeSend) await window.beforeSend(said, () => create(how, said));
      if (how === "none") return;
      const asked = create(how, said);
      for (let more = 1; more < (sends.times || 1); more += 1) create(how, said).catch(() => 0);
      const answer = await asked;
      if (sends.again) setTimeout(() => create(how, said).catch(() => 0), sends.again);
      if (answer.status === 401) {
        location.assign("/i/flow/login");
        return;
      }
      const body = await answer.json();
      if (body.errors && body.errors.length) {
        toast(body.errors[0].message);
      } else {
        area.textContent = "";
        const link = answer.headers.get("x-sandbox-toast");
        if (link) toast("Your post was sent.", link);
      }
    } catch (error) {
      toast("Something went wrong. Try reloading.");
    } finally {
      busy = false;
      refresh();
    }
  }

  area.addEventListener("input", refresh);
  button.addEventListener("click", send);
  refresh();
}

// Like Draft.js: the editor keeps the text, and draws it anew after each change, a block a line.
function draftEditor(area) {
  let lines = [""];
  function draw() {
    const blocks = lines.map((line) => {
      const block = document.createElement("div");
      block.dataset.block = "true";
      const inner = document.createElement("div");
      inner.className = "public-DraftStyleDefault-block public-DraftStyleDefault-ltr";
      const leaf = document.createElement("span");
      leaf.dataset.text = "true";
      if (line) leaf.textContent = line;
      else leaf.append(document.createElement("br"));
      inner.append(leaf);
      block.append(inner);
      return block;
    });
    const contents = document.createElement("div");
    contents.dataset.contents = "true";
    contents.append(...blocks);
    area.replaceChildren(contents);
    const end = document.createRange();
    end.selectNodeContents(contents.lastChild);
    end.collapse(false);
    getSelection().removeAllRanges();
    getSelection().addRange(end);
  }
  area.addEventListener("beforeinput", (event) => {
    event.preventDefault();
    const typed = (event.data || "").split("\n");
    lines[lines.length - 1] += typed[0];
    lines = lines.concat(typed.slice(1));
    draw();
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  area.plainText = () => lines.join("\n");
  draw();
}

const composers = new Set();
function wireAll() {
  document.querySelectorAll(".composer").forEach((composer) => {
    if (composers.has(composer)) return;
    composers.add(composer);
    const area = composer.querySelector('[data-testid="tweetTextarea_0"]');
    if ((window.SHAPES || {}).draft_editor) draftEditor(area);
    wire(composer);
  });
}
wireAll();
document.querySelectorAll(".retry").forEach((button) => button.addEventListener("click", () => location.reload()));
