/**
 * The whole look of the pages. No class of it says a colour alone: every state is also a word. Contrast is at least
 * 4.5:1 for text (WCAG 2.2, 1.4.3) in both colour schemes.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --ink: #1b1c1e; --soft: #5c6066; --line: #dfe0e2; --link: #1a4fa3; --field: #fff;
  --ok: #2f7d4f; --behind: #a86400; --updating: #2b6cb0; --bad: #b3261e; --held: #6b5ca5; --lost: #74777d; --track: #e9eaec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e7e8ea; --soft: #a2a7ae; --line: #33373c; --link: #8ab4f8; --field: #1f2226;
    --ok: #5dbb83; --behind: #e0a040; --updating: #6aa9e9; --bad: #f2827a; --held: #b3a5e6; --lost: #989ca3; --track: #2a2d32;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 2.5rem 0 .75rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 0; font-weight: 650; }
p { margin: .25rem 0; max-width: 46rem; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .15em; }
a:focus-visible, input:focus-visible, select:focus-visible, button:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font: .875em/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: 6px; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: .25rem 1rem; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
.states { display: flex; flex-wrap: wrap; gap: .25rem 2rem; list-style: none; margin: 1.25rem 0 0; padding: 0; }
.states a { display: block; padding: .25rem 0; color: inherit; text-decoration: none; }
.states a:hover span, .states [aria-current] span { text-decoration: underline; }
.states b { display: block; font-size: 1.75rem; line-height: 1.15; font-weight: 600; }
.states span { color: var(--soft); font-size: .875rem; }
.states .zero b { color: var(--soft); font-weight: 400; }
.release { padding: .75rem 0; border-top: 1px solid var(--line); }
.release div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.bar { display: block; width: 100%; height: .5rem; margin: .4rem 0; border-radius: 3px; background: var(--track); }
.current, .ok { --tone: var(--ok); } .behind { --tone: var(--behind); } .updating { --tone: var(--updating); }
.rolled-back, .rollback-failed, .failed { --tone: var(--bad); } .held { --tone: var(--held); } .lost { --tone: var(--lost); }
.unknown { --tone: var(--soft); }
rect { fill: var(--tone, var(--track)); }
.tone { color: var(--tone); font-weight: 600; white-space: nowrap; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 0 0 1rem; }
label { display: grid; gap: .15rem; font-size: .875rem; color: var(--soft); }
input, select, button { font: inherit; font-size: 1rem; color: var(--ink); background: var(--field); border: 1px solid var(--soft); border-radius: 6px;
  padding: .35rem .6rem; min-height: 2.5rem; max-width: 100%; }
button { cursor: pointer; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .5rem 1.25rem .5rem 0; border-top: 1px solid var(--line); }
thead th { font-size: .8125rem; font-weight: 500; color: var(--soft); border-top: 0; }
tbody th { font-weight: 600; }
td p { margin: 0; }
td p + p { margin-top: .35rem; }
time { white-space: nowrap; }
.last { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 1rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
nav { display: flex; gap: 1.5rem; margin-top: 1rem; }
@media (max-width: 44rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, th, td { display: block; }
  tr { border-top: 1px solid var(--line); padding: .6rem 0; }
  th, td { border: 0; padding: .1rem 0; }
  label, input, select { width: 100%; }
  .seen::before { content: "seen "; }
  .states { display: grid; grid-template-columns: repeat(3, auto); justify-content: space-between; }
}
@media print { form, nav, .skip { display: none; } }
`;
