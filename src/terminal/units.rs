//! Sizes as builders write them.

const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// The size in the largest unit that leaves a whole number, as Go's floats divide it.
fn scaled(bytes: u64) -> (f64, &'static str) {
    let [high, low] = [bytes >> 32, bytes & 0xFFFF_FFFF].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
    let mut size = f64::from(high) * 4_294_967_296.0 + f64::from(low);
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if size < 1000.0 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    (size, unit)
}

/// Four digits at most, as `HumanSize` of docker's `go-units`: `7.68kB`.
pub(super) fn four_digits(bytes: u64) -> String {
    let (size, unit) = scaled(bytes);
    let n_decimals = if size < 10.0 {
        3
    } else if size < 100.0 {
        2
    } else {
        1
    };
    let number = format!("{size:.n_decimals$}");
    format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

/// Two decimals but for plain bytes, as BuildKit's progress has it: `1.20kB`.
pub(super) fn two_decimals(bytes: u64) -> String {
    match scaled(bytes) {
        (_, "B") => format!("{bytes}B"),
        (size, unit) => format!("{size:.2}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, four, two) in [
            (0, "0B", "0B"),
            (999, "999B", "999B"),
            (2_048, "2.048kB", "2.05kB"),
            (7_680, "7.68kB", "7.68kB"),
            (10_000, "10kB", "10.00kB"),
            (99_996, "100kB", "100.00kB"),
            (999_960, "1000kB", "999.96kB"),
            (123_456_789, "123.5MB", "123.46MB"),
            (5_000_000_000, "5GB", "5.00GB"),
            (u64::MAX, "18.45EB", "18.45EB"),
        ] {
            assert_eq!((four_digits(bytes).as_str(), two_decimals(bytes).as_str()), (four, two));
        }
    }
}
