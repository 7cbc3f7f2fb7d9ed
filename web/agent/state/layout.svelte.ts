/** What is open on the screen besides the route: palette, help, pickers, side bar, drawer; and how wide the screen is. */
import { MediaQuery } from 'svelte/reactivity';

export type PickerMode = 'assign' | 'snooze' | 'tag' | 'move';
const SIDE = 'frontdesk.side';

function remembered(): boolean {
  try {
    return localStorage.getItem(SIDE) !== 'closed';
  } catch {
    return true;
  }
}

export class Layout {
  palette = $state(false);
  help = $state(false);
  /** The drawer of all views (1024) and the phone's title menu. */
  drawer = $state(false);
  picker = $state.raw<{ mode: PickerMode; ids: number[] } | null>(null);
  /** The contact side bar: at 1440 a region, below that an overlay. */
  side = $state(false);
  #phone = new MediaQuery('max-width: 719px', false);
  #narrow = new MediaQuery('max-width: 1180px', false);

  constructor() {
    this.side = !this.narrow && remembered();
  }

  /** One column. */
  get phone(): boolean {
    return this.#phone.current;
  }

  /** Navigation is a rail, the side bar an overlay. */
  get narrow(): boolean {
    return this.#narrow.current;
  }

  toggleSide(): void {
    this.side = !this.side;
    if (this.narrow) return;
    try {
      localStorage.setItem(SIDE, this.side ? 'open' : 'closed');
    } catch {
      // Storage may be shut; then the width of the day is forgotten, no more.
    }
  }

  /** Opens the chooser of an agent, a time, tags or an inbox for these conversations. */
  pick(mode: PickerMode, ids: number[]): void {
    if (ids.length) this.picker = { mode, ids };
  }

  /** True while something lies over the page, so that its keys rest. */
  get covered(): boolean {
    return this.palette || this.help || this.picker !== null;
  }
}
