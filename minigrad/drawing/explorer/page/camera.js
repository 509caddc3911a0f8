// Panning and zooming: one CSS transform on the group that holds the whole picture.

const SMALLEST = 0.05;
const LARGEST = 6;
const COMFORTABLE = 1.75; // factors; the last is the most that fitting enlarges, …
const FILLING = 3.2; // … but for pictures of few boxes, which are enlarged until they take this share of the room:
const SHARE = 0.8;

class Camera {
  constructor(canvas, scene) {
    this.canvas = canvas;
    this.scene = scene;
    this.place = { x: 0, y: 0, scale: 1 };
    this.pointers = new Map();
    this.dragged = false; // has the pointer moved since it was pressed? Then its release is no click
    this.isChosen = false; // has the reader panned or zoomed since something was shown?
    this.insets = { top: 54, right: 24, bottom: 24, left: 24 };
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.up(event));
  }

  set({ x, y, scale }) {
    this.place = { x, y, scale: Math.min(LARGEST, Math.max(SMALLEST, scale)) };
    this.scene.style.transform = `translate(${x}px, ${y}px) scale(${this.place.scale})`;
    this.canvas.classList.toggle("small", this.place.scale < 0.45);
  }

  get room() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    const { top, right, bottom, left } = this.insets;
    return {
      left,
      top,
      width: Math.max(50, clientWidth - left - right),
      height: Math.max(50, clientHeight - top - bottom),
    };
  }

  /** Shows the rectangle [left, top, width, height] as large as it fits. */
  fit([left, top, width, height], most = null) {
    const room = this.room;
    const whole = Math.min(room.width / width, room.height / height);
    const scale = Math.min(whole, most ?? Math.max(COMFORTABLE, Math.min(FILLING, SHARE * whole)));
    this.isChosen = false;
    this.set({
      scale,
      x: room.left + (room.width - width * scale) / 2 - left * scale,
      y: room.top + (room.height - height * scale) / 2 - top * scale,
    });
  }

  /** Is there room for the rectangle, as large as things are drawn now? */
  holds([, , width, height]) {
    const { scale } = this.place;
    return width * scale <= this.room.width && height * scale <= this.room.height;
  }

  /** Moves as little as is needed to bring the rectangle into sight. */
  reveal([left, top, width, height]) {
    const room = this.room;
    const { scale } = this.place;
    let { x, y } = this.place;
    const shift = (low, size, start, length) => {
      if (size > length) return start + (length - size) / 2 - low;
      return low < start ? start - low : Math.min(0, start + length - low - size);
    };
    x += shift(left * scale + x, width * scale, room.left, room.width);
    y += shift(top * scale + y, height * scale, room.top, room.height);
    this.isChosen = true;
    if (x !== this.place.x || y !== this.place.y) this.glide({ x, y, scale });
  }

  /** As `set`, with a short transition where the reader has nothing against motion. */
  glide(place) {
    this.scene.classList.add("gliding");
    clearTimeout(this.gliding);
    this.gliding = setTimeout(() => this.scene.classList.remove("gliding"), 300);
    this.set(place);
  }

  /** Zooms around a point of the canvas, by default its middle. */
  zoom(factor, at = null) {
    const room = this.room;
    const [atX, atY] = at ?? [room.left + room.width / 2, room.top + room.height / 2];
    const { x, y, scale } = this.place;
    this.isChosen = true;
    const next = Math.min(LARGEST, Math.max(SMALLEST, scale * factor));
    this.set({ scale: next, x: atX - ((atX - x) * next) / scale, y: atY - ((atY - y) * next) / scale });
  }

  pan(x, y) {
    this.isChosen = true;
    this.glide({ ...this.place, x: this.place.x + x, y: this.place.y + y });
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this.pointOf(event));
  }

  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button > 0) return;
    this.pointers.set(event.pointerId, this.pointOf(event));
    this.dragged = false;
    this.travelled = 0;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.pointOf(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    this.travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (this.travelled > 4 && !this.dragged) {
      this.dragged = true;
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.classList.add("dragging");
    }
    if (!this.dragged) return;
    this.pointers.set(event.pointerId, now);
    if (others.length === 1) {
      // two fingers: their distance is the scale
      const [, other] = others[0];
      const length = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      this.zoom(length(now) / (length(before) || 1), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    } else if (!others.length) {
      this.isChosen = true;
      this.set({ ...this.place, x: this.place.x + now[0] - before[0], y: this.place.y + now[1] - before[1] });
    }
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.canvas.classList.remove("dragging");
  }
}
