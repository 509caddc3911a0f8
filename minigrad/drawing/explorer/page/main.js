// The page as a whole: what is shown (view, selection, step), and everything that changes it.

class Page {
  constructor(graph) {
    this.graph = graph;
    this.view = graph.views[0];
    this.selection = null; // a node's number, or a box that is no node
    this.step = 0;
    graph.largestFlow = Math.max(...graph.steps.map((step) => numberOf(step.size ?? 0)).filter(Number.isFinite), 0);
    const byId = (id) => document.getElementById(id);
    this.panel = byId("panel");
    this.announcement = byId("announcement");
    this.drawing = new Drawing(graph, byId("canvas"), byId("scene"), {
      onselect: (box) => this.select(box),
      onopen: (path) => this.open(path),
      onclose: (path) => this.close(path),
    });
    this.walk = new Walk(this, byId("walk"));
    this.bar = new StepBar(this, byId("steps"));
    this.finder = new Search(this, {
      input: byId("query"),
      frame: byId("results-frame"),
      count: byId("results-count"),
      list: byId("results"),
    });
    byId("overview-button").addEventListener("click", () => this.select(null, true));
    byId("language").addEventListener("click", () => this.speak((language + 1) % LANGUAGES.length));
    prepareTheme(byId("theme"));
    this.label();
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("hashchange", () => this.read());
    this.read();
    if (this.walk.active) this.walk.go(0);
    else this.walk.show();
  }

  /** Another language, for everything on the page. */
  speak(chosen) {
    language = chosen;
    this.label();
    this.bar.build();
    this.show(this.view, null, false);
    this.walk.show();
    this.say("");
  }

  /** The texts of what stands in the page from the beginning. */
  label() {
    document.documentElement.lang = LANGUAGES[language];
    for (const labelled of document.querySelectorAll("[data-label]"))
      labelled.setAttribute("aria-label", words(labelled.dataset.label));
    for (const named of document.querySelectorAll("[data-text]")) named.textContent = words(named.dataset.text);
    document.title = document.querySelector("h1").textContent = say(this.graph.title);
    this.finder.input.placeholder = words("searchHint");
    showTheme(document.getElementById("theme"));
    const { camera } = this.drawing;
    document.getElementById("zoom").replaceChildren(
      button(icon("M3 8h10"), () => camera.zoom(1 / 1.3), { "aria-label": words("zoomOut") }),
      button(icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"), () => this.drawing.fit(), { "aria-label": words("fit") }),
      button(icon("M3 8h10M8 3v10"), () => camera.zoom(1.3), { "aria-label": words("zoomIn") }),
    );
  }

  // --- what is shown ---

  /** Shows another view; the selection and the step stay. */
  show(view, at = null, moves = true) {
    this.view = view;
    this.drawing.show(view);
    this.drawing.select(this.selectedBox());
    this.drawing.showStep(this.step);
    if (moves) this.drawing.frameUp(at ?? this.selectedBox()?.at);
    showViews(this, document.getElementById("views"));
    this.refresh();
  }

  refresh() {
    const { selection, step, selectedNode: node } = this;
    const about = node
      ? nodePanel(this, node, step)
      : selection
        ? boxPanel(this, selection)
        : step
          ? null
          : graphPanel(this);
    this.panel.replaceChildren(...[step ? stepCard(this, step) : null, about && block("about", about)].filter(Boolean));
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), 120); // browsers refuse to change the address many times a second
  }

  get selectedNode() {
    return typeof this.selection === "number" ? this.graph.nodes[this.selection] : null;
  }

  selectedBox() {
    if (this.selection === null) return null;
    const first = typeof this.selection === "number" ? this.selection : this.selection.members[0];
    return this.view.boxOf.get(first) ?? null;
  }

  // --- what the reader chooses ---

  /** A box of the drawing, or nothing; with nothing, steps end too where `leave` asks for it. */
  select(box, leave = false) {
    this.selection = !box ? null : box.kind === "scope" || box.kind === "group" ? box : box.members[0];
    if (leave) this.go(0);
    this.drawing.select(box);
    this.refresh();
    this.showDetails();
  }

  /** Scrolls the panel to what was chosen, which stands below the card of the present step. */
  showDetails() {
    const about = this.step ? this.panel.querySelector(".about") : null;
    this.panel.scrollTop = about ? about.offsetTop - this.panel.offsetTop : 0;
  }

  /** A node, in the present view if it can be seen there, even inside a closed scope. */
  choose(number) {
    this.selection = number;
    const box = this.view.boxOf.get(number);
    this.drawing.select(box);
    this.drawing.reveal(box);
    this.refresh();
    this.showDetails();
    this.say(`${spoken(this.graph.nodes[number])}${box?.kind === "scope" ? words("insideClosed", scopeName(this.graph, box.scope)) : ""}`);
  }

  /** A node in a view where it is drawn. */
  jump(number) {
    this.selection = number;
    if (this.view.boxOf.get(number)?.kind !== "node")
      this.showWhere((view) => view.boxOf.get(number)?.kind === "node", this.graph.nodes[number].scope);
    this.choose(number);
  }

  /** A node where it is drawn for itself and not for its equals. */
  chooseApart(number) {
    this.showWhere(
      (view) => view.boxOf.get(number)?.kind === "node" && view.boxOf.get(number).members.length === 1,
      this.graph.nodes[number].scope,
    );
    this.choose(number);
  }

  open(path) {
    this.showWhere((view) => isOpen(view, path), path);
    this.say(words("opened", scopeName(this.graph, path), this.view.boxes.length));
  }

  close(path) {
    if (!path) return;
    const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    const isClosed = (view) => !isOpen(view, path) && (!parent || isOpen(view, parent));
    if (this.graph.views.some(isClosed)) {
      this.showWhere(isClosed, parent);
      this.say(words("closed", scopeName(this.graph, path)));
    } else this.close(parent);
  }

  /** The view of the scope `path` if `fits` holds for it, or else the smallest for which it does. */
  showWhere(fits, path) {
    const views = this.graph.views.filter(fits).sort((a, b) => a.boxes.length - b.boxes.length);
    const own = this.graph.viewOf.get(`scope ${path}`);
    const view = own && fits(own) ? own : views[0];
    if (!view) return;
    const frame = view.clusters.find((cluster) => cluster.scope === path);
    if (view !== this.view) this.show(view, frame?.at);
  }

  /** The state after `step` steps of both passes; 0 is before the first. A guided walk that does not lead there ends. */
  go(step, leads = false) {
    if (!leads) this.walk.leave();
    const began = this.step > 0;
    this.step = Math.max(0, Math.min(this.graph.steps.length, step));
    if (!began) this.home = this.view;
    if (!this.step) {
      this.bar.stop();
      if (began && this.home && this.home !== this.view) this.show(this.home);
    } else if (this.bar.follows) {
      this.followStep();
    }
    this.drawing.showStep(this.step);
    this.bar.show(this.step);
    if (this.step) {
      this.selection = null;
      this.drawing.select(null);
      this.say(stepSentence(this.graph, this.step));
    }
    this.refresh();
    this.panel.scrollTop = 0;
  }

  /** The next or the previous step that is not left out; in a guided walk, its next or previous stop. */
  move(change) {
    if (this.walk.active) this.walk.move(change);
    else if (this.graph.steps.length) this.go(this.bar.after(this.step, change));
  }

  /** The beginning of the next or of the previous chapter. */
  moveChapter(change) {
    const { chapters, steps } = this.graph;
    const at = chapters.indexOf(chapterAt(this.graph, this.step));
    const chapter = chapters[at + change];
    this.go(chapter ? this.bar.after(chapter.step, 1) : change > 0 ? steps.length : 0);
  }

  /** The step that completes the gradient of a node. */
  showOrigin(node) {
    this.go(node.written.at(-1) + 1);
  }

  /** Brings the present step into sight, in a view where it can be told from others. */
  followStep() {
    const now = this.graph.steps[this.step - 1];
    const ends = unique([now.node, now.target ?? now.node]);
    const drawn = (view) => tellsApart(this.graph, view, now);
    if (!drawn(this.view)) this.showWhere(drawn, this.graph.nodes[now.node].scope);
    const places = ends.map((number) => this.view.boxOf.get(number)?.at).filter(Boolean);
    const { camera } = this.drawing;
    const both = around(places);
    // Between ends that are too far apart there may be nothing to see: the box that the step is of is shown.
    if (places.length) camera.reveal(camera.holds(both) ? both : places[0]);
  }

  search(query) {
    this.finder.ask(query);
  }

  say(sentence) {
    this.announcement.textContent = sentence;
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input[type=search], select, textarea"))
      return;
    const isSlider = event.target.matches("input[type=range]");
    const does = {
      ArrowRight: () => this.move(1),
      ArrowLeft: () => this.move(-1),
      n: () => this.moveChapter(1),
      p: () => this.moveChapter(-1),
      g: () => this.selectedNode?.written.length && this.showOrigin(this.selectedNode),
      Home: () => this.go(0),
      End: () => this.go(this.graph.steps.length),
      "/": () => this.finder.input.focus(),
      Escape: () => this.select(null),
      "+": () => this.drawing.camera.zoom(1.3),
      "=": () => this.drawing.camera.zoom(1.3),
      "-": () => this.drawing.camera.zoom(1 / 1.3),
      0: () => this.drawing.fit(),
    }[event.key];
    if (!does || (event.shiftKey && event.key.startsWith("Arrow"))) return;
    if (isSlider && /Arrow|Home|End/.test(event.key)) event.preventDefault(); // it would move twice
    if (event.key === "/") event.preventDefault();
    does();
  }

  // --- the address keeps what is shown ---

  write() {
    const kept = new URLSearchParams();
    if (this.view !== this.graph.views[0]) kept.set("view", this.view.key);
    if (typeof this.selection === "number") kept.set("node", this.selection);
    if (this.step) kept.set("step", this.step);
    const hash = kept.size ? `#${kept}` : "";
    if (hash === location.hash) return;
    try {
      history.replaceState(null, "", hash || location.pathname + location.search);
    } catch {
      /* a frame without an address of its own */
    }
  }

  /** Whatever the address says is only looked up, never shown. */
  read() {
    const kept = new URLSearchParams(location.hash.slice(1));
    const view = this.graph.viewOf.get(kept.get("view")) ?? this.graph.views[0];
    const node = /^\d+$/.test(kept.get("node")) ? this.graph.nodes[kept.get("node")] : null;
    const step = Number.parseInt(kept.get("step") ?? "0", 10) || 0;
    this.bar.stop();
    this.step = Math.max(0, Math.min(this.graph.steps.length, step));
    this.selection = node ? node.number : null;
    this.bar.show(this.step);
    this.show(view);
  }
}

/** Does the view draw what a step is about: its arrow or the hub that has none, one end as a box of its own, and no end together with its equals? */
function tellsApart(graph, view, step) {
  const boxes = unique([step.node, step.target ?? step.node]).map((number) => view.boxOf.get(number));
  const isOwn = (box) => box?.kind === "node" && box.members.length === 1;
  if (!boxes.some(isOwn) || boxes.some((box) => !box || (box.kind === "node" && !isOwn(box)))) return false;
  if (step.kind !== "backward" || arrowOf(graph, view, graph.nodes[step.node], step.position) >= 0) return true;
  return hubsOf(view, graph.nodes[step.node]).includes(boxes.at(-1));
}

/** The rectangle around some. */
function around(rectangles) {
  const left = Math.min(...rectangles.map(([x]) => x));
  const top = Math.min(...rectangles.map(([, y]) => y));
  const right = Math.max(...rectangles.map(([x, , width]) => x + width));
  const low = Math.max(...rectangles.map(([, y, , height]) => y + height));
  return [left, top, right - left, low - top];
}

/** The level of detail: fewer or more boxes, and where the reader is when a scope is open by itself. */
function showViews(page, bar) {
  const { graph, view } = page;
  const size = view.boxes.length;
  const fewer = graph.levels.filter((level) => level.boxes.length < size).at(-1);
  const more = graph.levels.find((level) => level.boxes.length > size);
  const step = (target, path, label) =>
    button(icon(path), () => target && page.show(target), { "aria-label": words(label), disabled: !target });
  const names = view.key.startsWith("scope ") ? view.key.slice(6).split("/") : [];
  const crumbs = names.map((name, i) => {
    const path = names.slice(0, i + 1).join("/");
    return element(
      "li",
      {},
      button(graph.repeats.has(path) ? words("repeated") : name, () => page.open(path), { class: "link", "aria-current": i === names.length - 1 ? "true" : null }),
    );
  });
  bar.hidden = graph.views.length < 2;
  bar.replaceChildren(
    element(
      "div",
      { class: "levels", role: "group", "aria-label": words("detail") },
      step(fewer, "M3 8h10", "lessDetail"),
      span("", names.length ? words("oneScopeOpen") : levelName(view)),
      step(more, "M3 8h10M8 3v10", "moreDetail"),
    ),
    names.length
      ? element(
          "ol",
          { class: "crumbs" },
          element(
            "li",
            {},
            button(words("all"), () => page.show(graph.views[0]), { class: "link" }),
          ),
          crumbs,
        )
      : "",
  );
}

function levelName(view) {
  if (view.boxes.every((box) => (box.kind === "node" && box.members.length === 1) || box.kind === "next"))
    return words("everythingOpen");
  if (view.key === "depth 0") return words("everythingClosed");
  return ["overview", "turns"].includes(view.key) ? words(view.key) : words("openToDepth", view.key.slice(6));
}

const THEMES = [
  ["", "automatic", "M8 2a6 6 0 000 12z M8 2a6 6 0 010 12"],
  [
    "light",
    "light",
    "M8 5a3 3 0 100 6 3 3 0 000-6zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.5 1.5M11.5 11.5L13 13M13 3l-1.5 1.5M4.5 11.5L3 13",
  ],
  ["dark", "dark", "M13 9.5A5.5 5.5 0 016.5 3 5.5 5.5 0 1013 9.5z"],
];

function prepareTheme(themeButton) {
  themeButton.addEventListener("click", () => {
    const chosen = THEMES.findIndex(([theme]) => theme === (document.documentElement.dataset.theme ?? ""));
    const [theme] = THEMES[(chosen + 1) % THEMES.length];
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    showTheme(themeButton);
  });
}

function showTheme(themeButton) {
  const [, name, path] = THEMES.find(([theme]) => theme === (document.documentElement.dataset.theme ?? ""));
  themeButton.replaceChildren(icon(path));
  themeButton.title = words("theme", words(name));
  themeButton.setAttribute("aria-label", themeButton.title);
}

try {
  const graph = await unpacked();
  palettes = { signed: graph.palettes.signed.map(channels), sequential: graph.palettes.sequential.map(channels) };
  window.explorer = new Page(graph); // for whoever looks into it from the console
  document.documentElement.dataset.ready = "";
  performance.mark("ready");
} catch (problem) {
  document.getElementById("panel").append(paragraph("note bad-note", words("notShowable", problem)));
  throw problem;
}
