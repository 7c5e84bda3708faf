// Keeps a page up to date from a stream of server-sent events, and says so when it cannot.
"use strict";
(() => {
  const here = document.querySelector(".top nav [aria-current]"); // on a phone the bar scrolls
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 16;

  const main = document.getElementById("main");
  const address = main && main.dataset.stream;
  if (!address) return;

  const silence = 5000; // ms without a beat after which the page is stale
  const pause = 3000; // ms before another try
  const stale = document.getElementById("stale");
  const said = document.getElementById("said");
  const clock = document.getElementById("clock");
  let stream = null, last = Date.now(), retry = 0;

  // The page is stale from the last beat on, by the daemon's clock as all times on it.
  function mark(isStale) {
    if (isStale === (stale.firstChild !== null)) return;
    stale.replaceChildren();
    if (!isStale) return;
    const text = document.createElement("p");
    const strong = document.createElement("strong");
    strong.textContent = "Stale since " + clock.textContent + ".";
    text.append(strong, " The daemon does not answer, and what you see may have changed. This page goes on trying.");
    const banner = document.createElement("div");
    banner.className = "banner bad";
    banner.append(text);
    stale.append(banner);
  }

  function open() {
    clearTimeout(retry);
    if (stream) stream.close();
    stream = new EventSource(address);
    stream.addEventListener("part", (e) => {
      const part = JSON.parse(e.data);
      const there = document.getElementById("part-" + part.id);
      if (there) update(there, part.html);
    });
    stream.addEventListener("say", (e) => {
      const line = document.createElement("p");
      line.textContent = JSON.parse(e.data).text;
      said.append(line);
      while (said.childElementCount > 10) said.firstElementChild.remove();
    });
    stream.addEventListener("beat", (e) => {
      last = Date.now();
      clock.textContent = JSON.parse(e.data).at;
      mark(false);
    });
    stream.addEventListener("gone", () => location.reload());
    stream.addEventListener("error", () => {
      mark(true);
      if (stream.readyState === EventSource.CLOSED) retry = setTimeout(open, pause);
    });
  }

  // A browser gives a site few connections, so a tab that nobody looks at holds none.
  function look() {
    if (document.hidden) {
      clearTimeout(retry);
      if (stream) stream.close();
      stream = null;
    } else if (!stream) {
      last = Date.now();
      open();
    }
  }
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", () => stream && stream.close());
  window.addEventListener("pageshow", (e) => e.persisted && open());
  setInterval(() => {
    if (!stream || Date.now() - last < silence) return;
    mark(true);
    if (Date.now() - last > 4 * silence) { // it may hang for good
      last = Date.now() - silence;
      open();
    }
  }, 500);
  look();

  // update makes an element what the text says, and leaves alone what is the same: so focus,
  // selection and scrolling stay where they are.
  function update(element, text) {
    const focused = document.activeElement;
    const follows = [...element.querySelectorAll("[data-follow]")].filter((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 8);
    children(element, new DOMParser().parseFromString(text, "text/html").body);
    for (const e of follows) e.scrollTop = e.scrollHeight;
    if (focused === document.activeElement) return;
    const again = focused.isConnected ? focused : focused.id && document.getElementById(focused.id);
    (again || main).focus({ preventScroll: true });
  }

  function children(from, to) {
    let at = from.firstChild;
    for (const next of [...to.childNodes]) {
      const match = counterpart(at, next);
      if (!match) {
        from.insertBefore(document.adoptNode(next), at);
        continue;
      }
      while (at !== match && !wanted(at, to)) { // what is gone goes, so that what stays need not move
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
      if (match === at) at = at.nextSibling;
      else from.insertBefore(match, at);
      if (next.nodeType !== Node.ELEMENT_NODE) {
        if (match.nodeValue !== next.nodeValue) match.nodeValue = next.nodeValue;
      } else if (!match.isEqualNode(next)) {
        attributes(match, next);
        children(match, next);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  const wanted = (node, among) => node.id && [...among.children].some((e) => e.id === node.id);

  // counterpart finds the node that next is the new state of: the one with its id, or the one in
  // its place.
  function counterpart(at, next) {
    if (next.id) {
      for (let n = at; n; n = n.nextSibling) if (n.id === next.id && n.nodeName === next.nodeName) return n;
      return null;
    }
    return at && !at.id && at.nodeName === next.nodeName ? at : null;
  }

  function attributes(from, to) {
    for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
    }
  }
})();
