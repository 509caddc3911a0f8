// The bar under the drawing: buttons, a slider, chapters, and a sentence about the present step.

const SLOWEST = 1100;
const FASTEST = 120;
const WHOLE = 40_000; // milliseconds: of one step when playing, and of all
const MOST_CHAPTERS = 14; // more are shown section by section
const FEWEST_TURNS = 3; // of chapters that come again: one turn of them is shown
const LONGEST_TURN = 12; // chapters

class StepBar {
  constructor(page, bar) {
    Object.assign(this, { page, bar, timer: null, follows: true, moves: false });
    this.build();
  }

  /** The bar with its texts in the language of the page. */
  build() {
    const { page, bar } = this;
    const { graph } = page;
    if (!graph.steps.length) {
      bar.replaceChildren(paragraph("faint", words(graph.captured ? "noSteps" : "nothingComputed")));
      return;
    }
    this.stops = listStops(graph, this.moves);
    this.runs = findRuns(graph.chapters);
    const { icon: play, label } = this.timer ? PAUSE : PLAY;
    this.playButton = button(icon(play), () => this.toggle(), { class: "round", "aria-label": words(label) });
    this.slider = element("input", {
      type: "range",
      min: 0,
      max: this.stops.length - 1,
      "aria-label": words("step"),
      oninput: () => page.go(this.stops[this.slider.value]),
    });
    this.slider.style.setProperty(
      "--forward",
      `${(this.placeOf(graph.forwardSteps) / (this.stops.length - 1)) * 100}%`,
    );
    this.sentence = element("p", { id: "sentence" });
    this.chapters = element("ol", { id: "chapters", "aria-label": words("chapters") });
    const move = (path, does, label) => button(icon(path), does, { "aria-label": words(label) });
    bar.replaceChildren(
      element(
        "div",
        { class: "controls", role: "group", "aria-label": words("steps") },
        move("M3 3v10M13 3L6 8l7 5z", () => page.go(0), "toBeginning"),
        move("M12 3L5 8l7 5z", () => page.move(-1), "stepBack"),
        this.playButton,
        move("M4 3l7 5-7 5z", () => page.move(1), "stepForwards"),
        move("M13 3v10M3 3l7 5-7 5z", () => page.go(graph.steps.length), "toEnd"),
      ),
      block(
        "track",
        this.slider,
        block(
          "phases",
          button(words("forward"), () => page.go(Math.min(1, graph.forwardSteps)), { class: "link" }),
          graph.backwardSteps > 0
            ? button(words("backward"), () => page.go(graph.forwardSteps + 1), { class: "link backward" })
            : span("faint", words(`noBackward ${graph.gradients}`)),
        ),
      ),
      block(
        "choices",
        this.choice("follow", "follows"),
        graph.steps.some((step) => step.layout) && this.choice("layoutSteps", "moves"),
      ),
      this.chapters,
      this.sentence,
    );
    this.show(page.step);
  }

  /** A box to tick; what is ticked is kept in the property with this name. */
  choice(label, name) {
    const changed = (event) => {
      this[name] = event.target.checked;
      this.build();
    };
    return element(
      "label",
      {},
      element("input", { type: "checkbox", checked: this[name], onchange: changed }),
      words(label),
    );
  }

  /** The last stop that is not after `taken` steps. */
  placeOf(taken) {
    return this.stops.findLastIndex((stop) => stop <= taken);
  }

  /** The next or the previous stop. */
  after(taken, change) {
    const { stops } = this;
    if (change > 0) return stops.find((stop) => stop > taken) ?? taken;
    return stops.findLast((stop) => stop < taken) ?? 0;
  }

  show(taken) {
    if (!this.slider) return;
    const { graph } = this.page;
    const place = this.placeOf(taken);
    this.slider.value = place;
    this.slider.style.setProperty("--done", `${(place / (this.stops.length - 1)) * 100}%`);
    const sentence = stepSentence(graph, taken);
    this.slider.setAttribute("aria-valuetext", sentence || words("beforeFirst"));
    this.sentence.textContent = sentence || startingSentence(graph);
    this.sentence.classList.toggle("faint", !taken);
    this.showChapters(taken);
    if (taken >= graph.steps.length) this.stop();
  }

  /** Where the passes are: all chapters where they are few, otherwise the sections and the chapters of the present one;
      of those that come again and again the present turn, or the first. */
  showChapters(taken) {
    const { graph } = this.page;
    const now = chapterAt(graph, taken);
    const place = graph.chapters.indexOf(now);
    const turnOf = ({ begin, period, turns }, i) =>
      i >= begin && i < begin + period * turns ? Math.floor((i - begin) / period) : -1;
    const hidden = new Set();
    const notes = new Map(); // by the chapter before
    for (const run of this.runs) {
      const turn = turnOf(run, place);
      graph.chapters.forEach((_, i) => turnOf(run, i) >= 0 && turnOf(run, i) !== Math.max(turn, 0) && hidden.add(i));
      const note = turn < 0 ? `×${run.turns}` : words("turn", turn + 1, run.turns);
      notes.set(run.begin + run.period * (Math.max(turn, 0) + 1) - 1, note);
    }
    const few = graph.chapters.length - hidden.size <= MOST_CHAPTERS;
    const items = graph.chapters.flatMap((chapter, i) => {
      if (hidden.has(i)) return [];
      const begins = chapter.section && chapter.section !== graph.chapters[i - 1]?.section;
      const inSection = !chapter.section || chapter.section === now?.section;
      const isShown = few || (inSection && say(chapter.title) !== chapter.section);
      return [
        !few && begins && this.chapter(chapter.section, chapter, now?.section === chapter.section, "section"),
        isShown && this.chapter(say(chapter.title), chapter, chapter === now),
        isShown && notes.has(i) && element("li", { class: "faint" }, notes.get(i)),
      ];
    });
    this.chapters.replaceChildren(...items.filter(Boolean));
    const present = this.chapters.querySelector("[aria-current]:not(.section)")?.parentElement;
    if (present)
      this.chapters.scrollLeft = present.offsetLeft - this.chapters.offsetLeft - this.chapters.clientWidth / 2;
  }

  chapter(title, { step }, isNow, kind = "") {
    const backward = step >= this.page.graph.forwardSteps ? " backward" : "";
    const go = () => this.page.go(this.after(step, 1));
    return element(
      "li",
      {},
      button(title, go, { class: `link ${kind}${backward}`, "aria-current": isNow ? "step" : null }),
    );
  }

  toggle() {
    if (this.timer) return this.stop();
    const { page } = this;
    const pause = Math.max(FASTEST, Math.min(SLOWEST, WHOLE / this.stops.length));
    if (page.step >= page.graph.steps.length) page.go(0);
    this.timer = setInterval(() => page.move(1), pause);
    this.showPlaying(PAUSE);
    page.move(1);
  }

  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    this.showPlaying(PLAY);
  }

  showPlaying({ icon: path, label }) {
    this.playButton.replaceChildren(icon(path));
    this.playButton.setAttribute("aria-label", words(label));
  }
}

const PLAY = { icon: "M4 2.5v11l9-5.5z", label: "play" };
const PAUSE = { icon: "M4 3h3v10H4zM9 3h3v10H9z", label: "pause" };

/** The numbers of steps taken at which the bar stops: at all but those that only move elements, unless asked to. */
function listStops({ steps }, moves) {
  return [0, ...steps.map((_, i) => i + 1)].filter(
    (taken) => !taken || moves || !steps[taken - 1].layout || taken === steps.length,
  );
}

/** The chapter of the last step taken, or null before the first. */
function chapterAt(graph, taken) {
  return taken ? graph.chapters.findLast((chapter) => chapter.step < taken) : null;
}

/** Chapters that come again and again, as those of a loop with its gradient: where they begin, how many there are in a
    turn, and how many turns. */
function findRuns(chapters) {
  const forms = chapters.map(({ title, section }) => JSON.stringify([title, section]));
  const runs = [];
  for (let begin = 0; begin < forms.length; ) {
    let best = { period: 1, turns: 1 };
    for (let period = 1; period <= LONGEST_TURN && begin + FEWEST_TURNS * period <= forms.length; period += 1) {
      let end = begin + period;
      while (end < forms.length && forms[end] === forms[end - period]) end += 1;
      const turns = Math.floor((end - begin) / period);
      if (turns >= FEWEST_TURNS && turns * period > best.turns * best.period) best = { begin, period, turns };
    }
    if (best.turns > 1) runs.push(best);
    begin += best.period * best.turns;
  }
  return runs;
}

function startingSentence(graph) {
  const forward = countOf(graph.forwardSteps, "step");
  if (!graph.backwardSteps) return words("startForward", forward);
  return words("startBoth", forward, countOf(graph.backwardSteps, "step"));
}
