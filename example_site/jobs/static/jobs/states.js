/** The states of a job, as the page shows them. */

import { TERMINAL_STATES } from "../chanx/chanx.js";
import { setText } from "../chanx/dom.js";
import { texts } from "../chanx/job_element_texts.js";

export const label = (state) => texts.states[state] ?? state;

/** What the page says of a job: one that is asked to stop is stopping, until it has ended. */
export const shownState = (state, cancelRequested) => (cancelRequested && !TERMINAL_STATES.has(state) ? "cancelling" : state);

export function showState(pill, state) {
  pill.dataset.state = state;
  setText(pill, label(state));
}
