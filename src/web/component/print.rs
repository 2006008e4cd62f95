//! What is printed: summary, verdicts, builds and the Dockerfile. It stands on the page only while
//! that is printed.

use yew::prelude::*;

use super::icon::badge;
use crate::app::state::State;
use crate::app::view::SimulateView;

/// The sheet. A function and no component: it has nothing to keep.
pub(super) fn print_sheet(state: &State, view: &SimulateView) -> Html {
    let now = &state.session.now;
    html! {
        <article class="print-sheet" aria-label="Report">
            <h1>{ now.dockerfile_path.clone() }</h1>
            <p class="print-summary">{ view.summary.sentence.clone() }</p>
            { for view.summary.notes.iter().map(|note| html! { <p>{ format!("{note}.") }</p> }) }
            <p><code>{ view.command.clone() }</code>{ format!(" ({})", now.options.builder.label()) }</p>
            <table>
                <thead><tr><th>{ "Line" }</th><th>{ "Instruction" }</th><th>{ "Verdict" }</th><th>{ "Why" }</th></tr></thead>
                <tbody>
                    { for view.rows.iter().map(|row| html! {
                        <tr class={classes!(row.is_first_cause.then_some("changed"))}>
                            <td>{ row.lines.first }</td>
                            <th scope="row"><code>{ row.code.clone() }</code></th>
                            <td>{ badge(row.mark, None) }</td>
                            <td>{ if row.is_first_cause { format!("First cause: {}", row.reason) } else { row.reason.clone() } }</td>
                        </tr>
                    }) }
                </tbody>
            </table>
            if !view.timeline.is_empty() {
                <section>
                    <h2>{ "Compared with" }</h2>
                    <ol>{ for view.timeline.iter().map(|moment| html! { <li>{ format!("{}: {}", moment.label, moment.note) }</li> }) }</ol>
                </section>
            }
            <section class="print-text">
                <h2>{ now.dockerfile_path.clone() }</h2>
                <ol>{ for now.dockerfile.lines().map(|line| html! { <li><code>{ line.to_owned() }</code></li> }) }</ol>
            </section>
            if !now.dockerignore.trim().is_empty() {
                <section class="print-text">
                    <h2>{ now.ignore_path.clone() }</h2>
                    <ol>{ for now.dockerignore.lines().map(|line| html! { <li><code>{ line.to_owned() }</code></li> }) }</ol>
                </section>
            }
            <footer>{ format!("Predicted by Layerlab {}, not built.", state.build) }</footer>
        </article>
    }
}
