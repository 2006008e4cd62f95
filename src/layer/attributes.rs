//! Extended attributes as people read them.
//!
//! Capabilities of a file are a bit set in `security.capability`, as
//! [`linux/capability.h`](https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h)
//! lays it out; they are told as `getcap` prints them, such as `cap_net_raw=ep`.

use std::fmt::Write as _;

/// Capabilities by their number.
const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// More bytes of a value are not shown.
const MAX_SHOWN: usize = 256;

/// The value of an attribute as text; what is neither known nor text is shown as hex.
#[must_use]
pub fn text(name: &str, value: &[u8]) -> String {
    if name == "security.capability"
        && let Some(text) = capabilities(value)
    {
        return text;
    }
    let shown = value.get(..MAX_SHOWN).unwrap_or(value);
    // Labels of SELinux end with a zero.
    let as_text = std::str::from_utf8(shown.strip_suffix(b"\0").unwrap_or(shown)).ok();
    let as_text = as_text.filter(|text| !text.chars().any(char::is_control));
    let mut text = as_text.map_or_else(|| hex(shown), str::to_owned);
    if value.len() > shown.len() {
        text.push_str("...");
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Numbers of 32 bits, the lower byte first.
fn words(value: &[u8]) -> Vec<u32> {
    value.chunks_exact(4).filter_map(|chunk| Some(u32::from_le_bytes(chunk.try_into().ok()?))).collect()
}

fn capabilities(value: &[u8]) -> Option<String> {
    let words = words(value);
    let magic = *words.first()?;
    let (permitted, inheritable) = match (magic >> 24, words.get(1..)?) {
        (1, [permitted, inheritable]) => (u64::from(*permitted), u64::from(*inheritable)),
        (2, [p, i, p_high, i_high]) | (3, [p, i, p_high, i_high, _]) => {
            let wide = |low: u32, high: u32| u64::from(low) | (u64::from(high) << 32);
            (wide(*p, *p_high), wide(*i, *i_high))
        }
        _ => return None,
    };
    let is_effective = magic & 1 == 1;
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for bit in 0..64_usize {
        let has = |set: u64| set >> bit & 1 == 1;
        let flags = match (has(permitted), has(inheritable), is_effective) {
            (false, false, _) => continue,
            (true, false, true) => "ep",
            (true, false, false) => "p",
            (true, true, true) => "eip",
            (true, true, false) => "ip",
            (false, true, true) => "ei",
            (false, true, false) => "i",
        };
        let name = CAPABILITIES.get(bit).map_or_else(|| bit.to_string(), |name| format!("cap_{name}"));
        match groups.iter_mut().find(|(known, _)| *known == flags) {
            Some((_, names)) => names.push(name),
            None => groups.push((flags, vec![name])),
        }
    }
    let mut text: Vec<String> =
        groups.into_iter().map(|(flags, names)| format!("{}={flags}", names.join(","))).collect();
    if let (3, Some(root_uid)) = (magic >> 24, words.get(5))
        && *root_uid != 0
    {
        text.push(format!("[rootid={root_uid}]"));
    }
    Some(text.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_people_know_them() {
        let capability = |words: &[u32]| -> String {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            text("security.capability", &bytes)
        };
        assert_eq!(capability(&[0x0200_0001, 1 << 13, 0, 0, 0]), "cap_net_raw=ep");
        assert_eq!(
            capability(&[0x0300_0000, 1, 2, 1 << 8, 0, 7]),
            "cap_chown,cap_checkpoint_restore=p cap_dac_override=i [rootid=7]"
        );
        assert_eq!(capability(&[0x0100_0000, 3, 3]), "cap_chown,cap_dac_override=ip");
        assert_eq!(capability(&[9]), "0x09000000");
        assert_eq!(text("user.note", b"plain"), "plain");
        assert_eq!(text("security.selinux", b"system_u:object_r\0"), "system_u:object_r");
        assert_eq!(text("user.x", &[0, 255]), "0x00ff");
        assert_eq!(text("user.x", &[b'a'; 300]).len(), 259);
    }
}
