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
  const text = () => plainText(area);
  let busy = false;

  function refresh() {
    const length = [...text()].length;
    const ready = !busy && text().trim() !== "";
    button.setAttribute("aria-disabled", ready ? "false" : "true");
    left.textContent = length ? String(LONGEST - length) : "";
  }

  async function send() {
    if (button.getAttribute("aria-disabled") === "true") return;
    busy = true;
    refresh();
    const variables = { tweet_text: text(), dark_request: false, semantic_annotation_ids: [] };
    if (composer.dataset.inReplyTo) {
      variables.reply = { in_reply_to_tweet_id: composer.dataset.inReplyTo, exclude_reply_user_ids: [] };
    }
    try {
      const answer = await fetch("/i/api/graphql/r00stSandbox/CreateTweet", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": cookie("ct0") },
        body: JSON.stringify({ variables, queryId: "r00stSandbox" }),
      });
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

document.querySelectorAll(".composer").forEach(wire);
document.querySelectorAll(".retry").forEach((button) => button.addEventListener("click", () => location.reload()));
