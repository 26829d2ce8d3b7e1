/**
 * The look of `<chanx-job>`. A constructed style sheet, which a content security policy without 'unsafe-inline' lets pass.
 *
 * Colours follow the page's `color-scheme`. Custom properties change them; parts (`chanx-job::part(bar)`) anything else.
 */

const CSS = `
:host {
  --_text: var(--chanx-text, #17202b);
  --_muted: var(--chanx-muted, #5a6675);
  --_surface: var(--chanx-surface, #ffffff);
  --_sunken: var(--chanx-sunken, #f0f2f5);
  --_line: var(--chanx-line, #dfe3e9);
  --_accent: var(--chanx-accent, #3f5bd8);
  --_good: var(--chanx-good, #17734a);
  --_warn: var(--chanx-warn, #855700);
  --_bad: var(--chanx-bad, #b3261e);
  --_radius: var(--chanx-radius, 12px);
  --_mono: var(--chanx-mono, ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace);
  display: block;
  container-type: inline-size;
  color: var(--_text);
  font: var(--chanx-font, 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif);
}
@supports (color: light-dark(red, red)) {
  :host {
    --_text: var(--chanx-text, light-dark(#17202b, #e7ecf2));
    --_muted: var(--chanx-muted, light-dark(#5a6675, #97a4b3));
    --_surface: var(--chanx-surface, light-dark(#ffffff, #161d25));
    --_sunken: var(--chanx-sunken, light-dark(#f0f2f5, #10161c));
    --_line: var(--chanx-line, light-dark(#dfe3e9, #28323e));
    --_accent: var(--chanx-accent, light-dark(#3f5bd8, #8ba1ff));
    --_good: var(--chanx-good, light-dark(#17734a, #62d197));
    --_warn: var(--chanx-warn, light-dark(#855700, #e9bb62));
    --_bad: var(--chanx-bad, light-dark(#b3261e, #ff8d85));
  }
}
:host([hidden]), [hidden] { display: none !important; }
*, *::before { box-sizing: border-box; }
p, ol { margin: 0; padding: 0; }
[dir] { text-align: match-parent; }
.base { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; padding: clamp(14px, 3vw, 22px); border: 1px solid var(--_line); border-radius: var(--_radius); background: var(--_surface); }
.header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; min-height: 38px; }
.title { flex: 0 1 auto; min-width: 0; margin-inline-end: auto; font-size: 1.0625em; font-weight: 650; overflow-wrap: anywhere; }
.state { display: inline-flex; align-items: center; gap: 7px; padding: 2px 11px 2px 9px; border-radius: 99px; background: color-mix(in srgb, currentcolor 12%, transparent); color: var(--_muted); font-size: 0.8125em; font-weight: 650; white-space: nowrap; }
.state::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: currentcolor; }
[data-state="started"] .state { color: var(--_accent); }
[data-state="started"] .state::before { animation: breathe 1.6s ease-in-out infinite; }
[data-state="succeeded"] .state { color: var(--_good); }
:is([data-state="failed"], [data-state="refused"]) .state { color: var(--_bad); }
:is([data-state="retrying"], [data-state="cancelling"]) .state { color: var(--_warn); }
.confirm { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.question { font-size: 0.9375em; }
button { min-height: 38px; padding: 6px 16px; border: 1px solid var(--_line); border-radius: 9px; background: none; color: inherit; font: inherit; font-size: 0.9375em; font-weight: 600; cursor: pointer; }
button:hover { background: var(--_sunken); }
button:disabled { opacity: 0.6; cursor: default; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.danger { border-color: color-mix(in srgb, var(--_bad) 45%, var(--_line)); color: var(--_bad); }
.stop { border-color: transparent; background: var(--_bad); color: var(--_surface); }
.stop:hover { background: color-mix(in srgb, var(--_bad) 85%, var(--_text)); }
.progress { display: grid; gap: 8px; }
.bar { position: relative; height: 10px; border-radius: 99px; background: color-mix(in srgb, var(--_muted) 20%, transparent); overflow: hidden; }
.fill { position: absolute; inset-block: 0; inset-inline-start: 0; width: 0; border-radius: 99px; background: var(--_accent); transition: width 0.18s linear; }
.is-unknown .fill { width: 30%; opacity: 0.6; animation: wander 1.8s ease-in-out infinite alternate; }
[data-state="succeeded"] .fill { background: var(--_good); }
[data-state="failed"] .fill { background: var(--_bad); }
[data-state="cancelled"] .fill { background: var(--_muted); }
.details { display: flex; flex-wrap: wrap; gap: 2px 14px; color: var(--_muted); font-size: 0.9375em; font-variant-numeric: tabular-nums; }
.percent { color: var(--_text); font-weight: 650; }
.message { flex: 1 1 200px; min-width: 0; overflow-wrap: anywhere; }
.error, .connection { padding: 10px 14px; border-radius: 9px; overflow-wrap: anywhere; }
.error { background: color-mix(in srgb, var(--_bad) 11%, transparent); color: var(--_bad); }
.reference { display: block; font: 0.8125em var(--_mono); }
.connection { background: color-mix(in srgb, var(--_warn) 12%, transparent); color: var(--_warn); }
.result { overflow-wrap: anywhere; white-space: pre-wrap; }
summary { width: fit-content; color: var(--_muted); font-size: 0.9375em; cursor: pointer; }
.count:not(:empty)::before { content: " · "; }
.box { position: relative; margin-top: 8px; }
.log { max-height: var(--chanx-log-height, 260px); padding: 10px 14px; border: 1px solid var(--_line); border-radius: 9px; background: var(--_sunken); overflow: auto; overscroll-behavior: contain; list-style: none; font: 0.8125em/1.6 var(--_mono); }
.line { display: flex; gap: 12px; }
.line time { flex: none; color: var(--_muted); font-variant-numeric: tabular-nums; }
.line .text { min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.line[data-level="debug"] .text { color: var(--_muted); }
.line[data-level="warning"] .text { color: var(--_warn); }
.line[data-level="error"] .text, .line[data-stream="stderr"] .text { color: var(--_bad); }
.newest { position: absolute; inset-inline-end: 14px; inset-block-end: 10px; min-height: 32px; padding: 3px 13px; border-color: transparent; border-radius: 99px; background: var(--_accent); color: var(--_surface); font-size: 0.8125em; }
.newest:hover { background: color-mix(in srgb, var(--_accent) 85%, var(--_text)); }
.announcement { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@keyframes wander { from { inset-inline-start: 0; } to { inset-inline-start: 70%; } }
@keyframes breathe { 50% { opacity: 0.35; } }
@media (prefers-reduced-motion: reduce) { *, *::before { animation: none !important; transition: none !important; } .is-unknown .fill { width: 100%; opacity: 0.35; } }
@media (forced-colors: active) { .bar { border: 1px solid CanvasText; } .fill { background: Highlight !important; forced-color-adjust: none; } .state { border: 1px solid; } }
@container (max-width: 480px) { .line time { display: none; } .confirm, .question { flex-basis: 100%; } }
`;

let sheet;

/** One sheet for all elements, made when the first one needs it. */
export function jobElementStyle() {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
