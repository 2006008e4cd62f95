//! Sizes as people read them, with the exact bytes one hover away.

use yew::prelude::*;

/// `12.4 MB`, in powers of ten as Docker shows them.
pub(super) fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = "B";
    for next in UNITS {
        tenths = (tenths + 500) / 1000;
        unit = next;
        if tenths < 10_000 {
            break;
        }
    }
    if tenths < 1000 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", tenths / 10)
    }
}

/// Mode bits in octal: `0755`.
pub(super) fn octal(mode: u32) -> String {
    format!("{:04o}", mode & 0o7777)
}

/// `1,234,567 bytes`.
pub(super) fn exact(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut out = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out} bytes")
}

/// A size.
pub(super) fn size(bytes: u64) -> Html {
    html! { <span class="size" title={exact(bytes)}>{ human(bytes) }</span> }
}
