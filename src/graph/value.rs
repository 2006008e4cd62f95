//! Values that builders check or write in a form of their own: signals, ports, durations.

use crate::text::go_quote;

pub(super) fn is_signal(text: &str) -> bool {
    const NAMES: [&str; 37] = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
        "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
        "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX", "UNUSED",
    ];
    if let Ok(number) = text.parse::<i64>() {
        // Only zero is refused among the numbers.
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let is_real_time = |prefix: &str, most: u32| {
        let offset = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.get(1..))
            .and_then(|digits| digits.parse::<u32>().ok());
        offset.is_some_and(|offset| offset >= 1 && offset <= most)
    };
    NAMES.contains(&name) || is_real_time("RTMIN", 15) || is_real_time("RTMAX", 14)
}

/// `8080`, `80/udp`, `8000-8003/tcp`, `127.0.0.1:80:80` → ports with protocol.
pub(super) fn exposed_ports(text: &str) -> Result<Vec<String>, String> {
    let (head, protocol) = match text.split_once('/') {
        Some((head, protocol)) => (head, protocol),
        None => (text, ""),
    };
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    let (address, port) = match head.rsplit_once(':') {
        Some((front, port)) => (Some(front), port),
        None => (None, head),
    };
    if port.is_empty() {
        return Err(format!("invalid port: {}: no port specified", go_quote(text)));
    }
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("invalid port: {}: invalid proto: {protocol}", go_quote(text)));
    }
    let address = address.map(|front| front.rsplit_once(':').map_or("", |(address, _)| address));
    if let Some(address) = address.filter(|address| !address.is_empty())
        && address.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err()
    {
        return Err(format!("invalid IP address: {address}"));
    }
    let invalid = || format!("invalid containerPort: {port}");
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| is_number)
    };
    let (first, last) = match port.split_once('-') {
        Some((first, last)) => (number(first).ok_or_else(invalid)?, number(last).ok_or_else(invalid)?),
        None => {
            let port = number(port).ok_or_else(invalid)?;
            (port, port)
        }
    };
    if last < first {
        return Err(invalid());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

/// Go's `time.Duration.String`.
pub(super) fn go_duration(nanos: i64) -> String {
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
    fn durations_and_ports() {
        assert_eq!((go_duration(90_000_000_000), go_duration(1_500_000)), ("1m30s".into(), "1.5ms".into()));
        assert_eq!(exposed_ports("8000-8001/udp"), Ok(vec!["8000/udp".into(), "8001/udp".into()]));
        assert_eq!(exposed_ports("80a"), Err("invalid containerPort: 80a".into()));
    }
}
