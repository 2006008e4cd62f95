//! Values that builders write in a form of their own: durations.

/// Go's `time.Duration.String`.
pub(crate) fn go_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".into();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let fraction = |whole: u64, rest: u64, digits: usize| {
        let rest = format!("{rest:0digits$}");
        let rest = rest.trim_end_matches('0');
        if rest.is_empty() { whole.to_string() } else { format!("{whole}.{rest}") }
    };
    if nanos < 1_000_000_000 {
        return match nanos {
            0..1_000 => format!("{sign}{nanos}ns"),
            1_000..1_000_000 => format!("{sign}{}µs", fraction(nanos / 1_000, nanos % 1_000, 3)),
            _ => format!("{sign}{}ms", fraction(nanos / 1_000_000, nanos % 1_000_000, 6)),
        };
    }
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let tail = format!("{}s", fraction(seconds % 60, nanos % 1_000_000_000, 9));
    match (hours, minutes) {
        (0, 0) => format!("{sign}{tail}"),
        (0, _) => format!("{sign}{minutes}m{tail}"),
        _ => format!("{sign}{hours}h{minutes}m{tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!((go_duration(90_000_000_000), go_duration(1_500_000)), ("1m30s".into(), "1.5ms".into()));
    }
}
