//! A file byte by byte.

use yew::prelude::*;

use super::PartProps;
use super::scroller::use_rows;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::look::HEX_BYTES;
use crate::app::inspect::rows::{LINE_BYTES, contents, line_bytes};
use crate::app::update::Message;

/// Sixteen bytes a line, as numbers and as characters.
#[component(Hex)]
pub(super) fn hex(props: &PartProps) -> Html {
    let report = contents(&props.state, Topic::Contents);
    let n_bytes = report.map_or(0, |report| report.size_bytes.unwrap_or(report.bytes.len() as u64));
    let n_lines = u32::try_from(n_bytes.div_ceil(LINE_BYTES)).unwrap_or(u32::MAX);
    let rows = use_rows(n_lines);
    let (first, last) = rows.seen;
    let byte = |line: u32| u64::from(line) * LINE_BYTES;
    {
        let on_message = props.on_message.clone();
        let key = (byte(first) / HEX_BYTES, byte(last) / HEX_BYTES, n_lines);
        use_effect_with(key, move |_| {
            on_message.emit(Message::Inspect(InspectMessage::BytesSeen(byte(first), byte(last))));
        });
    }
    let line = |line: u32| {
        let at = byte(line);
        let bytes = line_bytes(&props.state, line.into());
        html! {
            <div key={line} class="hex-line" role="row" aria-rowindex={(line + 1).to_string()}>
                <span role="rowheader" class="hex-at">{ format!("{at:08x}") }</span>
                <span role="cell" class="hex-bytes">{ bytes.map_or_else(|| "…".to_owned(), numbers) }</span>
                <span role="cell" class="hex-text">{ bytes.map_or_else(String::new, characters) }</span>
            </div>
        }
    };
    html! {
        <div class="hex" ref={rows.outer.clone()} onscroll={rows.onscroll.clone()} role="table" aria-label="Bytes" aria-rowcount={n_lines.to_string()} tabindex="0">
            <div class="grid-space" ref={rows.space.clone()} role="rowgroup">
                <div class="grid-window" ref={rows.window.clone()} role="presentation">{ for rows.drawn.clone().map(line) }</div>
            </div>
        </div>
    }
}

fn numbers(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(50);
    for (idx, byte) in bytes.iter().enumerate() {
        text.push_str(match idx {
            0 => "",
            8 => "  ",
            _ => " ",
        });
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}

fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '·' }).collect()
}
