/** Numbers, durations and times as people read them, in the language of the page. */

const LANGUAGE = pageLanguage();
const whole = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const tenths = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 6 });
const clock = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** What `<html lang>` says; English where that is nothing, or no language. */
function pageLanguage() {
  try {
    return Intl.getCanonicalLocales(globalThis.document?.documentElement.lang || "en")[0];
  } catch {
    return "en";
  }
}

export const count = (value) => whole.format(value);

/** Rounds down: 100 % is only shown when everything is done. */
export const percent = (fraction) => `${Math.floor(Math.min(Math.max(fraction, 0), 1) * 100)}%`;

export const rate = (perSecond) => `${(perSecond < 10 ? fine : whole).format(perSecond)}/s`;

const number = (value) => (Number.isInteger(value) || Math.abs(value) >= 1e6 ? whole : precise).format(value);

/** A value of a table's cell, or a result: numbers grouped, no whole one rounded; everything else as it is. */
export const cell = (value) => (typeof value === "number" ? number(value) : String(value));

const MEGA = 1024 * 1024;

/** A round number of MB (a limit, say) has no decimals, any other one: a running figure does not change its width. */
export function size(bytes) {
  if (bytes < 1024) return `${whole.format(bytes)} bytes`;
  const kilobytes = Math.round(bytes / 1024);
  if (kilobytes < 1024) return `${whole.format(kilobytes)} KB`;
  const megabytes = Math.max(bytes / MEGA, 1);
  return `${(Number.isInteger(megabytes) || megabytes >= 99.95 ? whole : tenths).format(megabytes)} MB`;
}

/** How amounts of a unit are written: one (`text`), some of a total (`of`), and how many a second (`speed`). */
export function amountOf(unit) {
  if (unit === "bytes") return { text: size, of: ofTotal(size, ""), speed: (bytes) => `${size(bytes)}/s` };
  const text = unit === "tasks" ? (value) => count(Math.floor(value)) : (value) => fine.format(value);
  return { text, of: ofTotal(text, unit ? ` ${unit}` : ""), speed: rate };
}

const ofTotal = (text, unit) => (current, total) => text(current) + (Number.isFinite(total) ? ` of ${text(total)}` : "") + unit;

/** The open steps, the outermost first, and what the task says of the innermost one. */
export const whereabouts = ({ step, message }) => [...(step ?? []), message].filter(Boolean).join(" › ");

/** @param {number} seconds */
export function duration(seconds) {
  const all = Math.max(0, Math.round(seconds));
  if (all < 60) return `${all} s`;
  const minutes = Math.floor(all / 60);
  if (minutes < 60) return `${minutes} min ${String(all % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export const time = (iso) => (iso ? clock.format(new Date(iso)) : "");

export function dateTime(iso) {
  const date = new Date(iso);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock.format(date) : dayAndClock.format(date);
}
