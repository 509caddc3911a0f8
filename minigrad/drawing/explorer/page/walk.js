// The guided walk: a lesson's steps one after another, each with a place on the page and a sentence.

class Walk {
  constructor(page, frame) {
    Object.assign(this, { page, frame, at: 0 });
    this.active = page.graph.lesson.length > 0 && !location.hash; // an address leads to its own place
  }

  get steps() {
    return this.page.graph.lesson;
  }

  /** Goes to a step of the lesson, and shows what it speaks of. */
  go(at) {
    const { page } = this;
    this.at = Math.max(0, Math.min(this.steps.length - 1, at));
    this.active = true;
    const { view, step, node } = this.steps[this.at];
    this.show();
    if (step !== undefined || page.step) page.go(step ?? 0, true);
    if (view !== undefined && page.view.key !== view) page.show(page.graph.viewOf.get(view));
    if (node !== undefined) page.jump(node);
    else if (step === undefined) page.select(null);
    page.panel.scrollTop = 0;
    page.say(this.sentence);
  }

  move(change) {
    this.go(this.at + change);
  }

  leave() {
    if (!this.active) return;
    this.active = false;
    this.show();
  }

  get sentence() {
    const { texts } = this.steps[this.at];
    return texts[LANGUAGES[language]] ?? Object.values(texts)[0];
  }

  /** The sentence with buttons, or the button that takes the walk up again. */
  show() {
    const { frame, steps, at } = this;
    if (!steps.length) return;
    frame.hidden = false;
    frame.classList.toggle("left", !this.active);
    if (!this.active) {
      frame.replaceChildren(button(words("guidedWalk"), () => this.go(this.at), { class: "primary" }));
    } else {
      const move = (path, label, change, disabled) =>
        button(icon(path), () => this.move(change), { "aria-label": words(label), disabled });
      frame.replaceChildren(
        paragraph("walk-sentence", this.sentence),
        block(
          "walk-moves",
          move("M12 3L5 8l7 5z", "walkBack", -1, at === 0),
          span("faint", words("of", at + 1, steps.length)),
          move("M4 3l7 5-7 5z", "walkOn", 1, at === steps.length - 1),
          button(icon("M4 4l8 8M12 4l-8 8"), () => this.leave(), { "aria-label": words("walkLeave") }),
        ),
      );
    }
    const covered = this.active ? frame.parentElement.clientHeight - frame.offsetTop : 0;
    this.page.drawing.camera.insets.bottom = 24 + covered;
  }
}
