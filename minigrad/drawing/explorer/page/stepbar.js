// The bar under the drawing: buttons, a slider and a sentence about the present step.

const SLOWEST = 1100;
const FASTEST = 120;
const WHOLE = 40_000; // milliseconds: of one step when playing, and of all

const NO_BACKWARD = {
  leaves: "backward: not kept; call loss.backward(keep=True)",
  none: "gradients: not computed; call loss.backward(keep=True)",
  graph: "the gradients are nodes of this graph",
};

class StepBar {
  constructor(page, bar) {
    Object.assign(this, { page, bar, timer: null });
    const { graph } = page;
    const last = graph.steps.length;
    if (!last) {
      bar.append(
        paragraph(
          "faint",
          "No steps: the graph was recorded on shapes and has no values. ",
          "To step through it, call the function itself, loss.backward(keep=True), then loss.graph().explore(…).",
        ),
      );
      return;
    }
    const go = (change) => () => page.go(page.step + change);
    this.playButton = button(icon("M4 2.5v11l9-5.5z"), () => this.toggle(), { class: "round", "aria-label": "Play" });
    this.slider = element("input", {
      type: "range",
      min: 0,
      max: last,
      value: 0,
      "aria-label": "Step",
      oninput: () => page.go(Number(this.slider.value)),
    });
    this.slider.style.setProperty("--forward", `${(graph.forwardSteps / last) * 100}%`);
    this.sentence = element("p", { id: "sentence" });
    const backward = graph.backwardSteps > 0;
    bar.append(
      element(
        "div",
        { class: "controls", role: "group", "aria-label": "Steps" },
        button(icon("M3 3v10M13 3L6 8l7 5z"), () => page.go(0), { "aria-label": "To the beginning" }),
        button(icon("M12 3L5 8l7 5z"), go(-1), { "aria-label": "One step back" }),
        this.playButton,
        button(icon("M4 3l7 5-7 5z"), go(1), { "aria-label": "One step forwards" }),
        button(icon("M13 3v10M3 3l7 5-7 5z"), () => page.go(last), { "aria-label": "To the end" }),
      ),
      block(
        "track",
        this.slider,
        block(
          "phases",
          button("forward", () => page.go(Math.min(1, graph.forwardSteps)), { class: "link" }),
          backward
            ? button("backward", () => page.go(graph.forwardSteps + 1), { class: "link backward" })
            : span("faint", NO_BACKWARD[graph.gradients]),
        ),
      ),
      element(
        "label",
        { class: "follow" },
        (this.follow = element("input", { type: "checkbox", checked: true })),
        "follow",
      ),
      this.sentence,
    );
  }

  show(taken) {
    if (!this.slider) return;
    const { graph } = this.page;
    this.slider.value = taken;
    this.slider.style.setProperty("--done", `${(taken / graph.steps.length) * 100}%`);
    const sentence = stepSentence(graph, taken);
    this.slider.setAttribute("aria-valuetext", sentence || "before the first step");
    this.sentence.textContent = sentence || startingSentence(graph);
    this.sentence.classList.toggle("faint", !taken);
    if (taken >= graph.steps.length) this.stop();
  }

  toggle() {
    if (this.timer) return this.stop();
    const { graph } = this.page;
    const pause = Math.max(FASTEST, Math.min(SLOWEST, WHOLE / graph.steps.length));
    if (this.page.step >= graph.steps.length) this.page.go(0);
    this.timer = setInterval(() => this.page.go(this.page.step + 1), pause);
    this.playButton.replaceChildren(icon("M4 3h3v10H4zM9 3h3v10H9z"));
    this.playButton.setAttribute("aria-label", "Pause");
    this.page.go(this.page.step + 1);
  }

  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    this.playButton.replaceChildren(icon("M4 2.5v11l9-5.5z"));
    this.playButton.setAttribute("aria-label", "Play");
  }
}

function startingSentence(graph) {
  const backward = graph.backwardSteps ? `, then ${countOf(graph.backwardSteps, "step")} backward` : "";
  return `${countOf(graph.forwardSteps, "step")} forward${backward}. Press → or play.`;
}
