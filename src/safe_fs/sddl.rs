//! Parser of SDDL, the text form of owners and access control lists on Windows ([MS-DTYP] 2.5.1).

/// The rights to read a file or list a folder.
pub(super) const READ: u32 = GENERIC_READ | 0x1;
/// The rights to rename, delete or replace a folder or its entries, without the right to add entries.
pub(super) const REPLACE: u32 = GENERIC_ALL | DELETE | DELETE_CHILD | WRITE_DAC | WRITE_OWNER;
/// The rights to change a file or the entries of a folder.
pub(super) const CHANGE: u32 = REPLACE | GENERIC_WRITE | WRITE_DATA | APPEND_DATA;
/// The right to delete or rename a file or folder.
pub(super) const DELETE: u32 = 0x0001_0000;

const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_EXECUTE: u32 = 0x2000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_READ: u32 = 0x8000_0000;
const READ_CONTROL: u32 = 0x0002_0000;
const WRITE_DAC: u32 = 0x0004_0000;
const WRITE_OWNER: u32 = 0x0008_0000;
const DELETE_CHILD: u32 = 0x40;
const WRITE_DATA: u32 = 0x2;
const APPEND_DATA: u32 = 0x4;

/// The abbreviations of the rights in an entry.
const RIGHTS: [(&str, u32); 21] = [
    ("GA", GENERIC_ALL),
    ("GR", GENERIC_READ),
    ("GW", GENERIC_WRITE),
    ("GX", GENERIC_EXECUTE),
    ("RC", READ_CONTROL),
    ("SD", DELETE),
    ("WD", WRITE_DAC),
    ("WO", WRITE_OWNER),
    ("FA", 0x001F_01FF),
    ("FR", 0x0012_0089),
    ("FW", 0x0012_0116),
    ("FX", 0x0012_00A0),
    ("CC", 0x1),
    ("DC", WRITE_DATA),
    ("LC", APPEND_DATA),
    ("SW", 0x8),
    ("RP", 0x10),
    ("WP", 0x20),
    ("DT", DELETE_CHILD),
    ("LO", 0x80),
    ("CR", 0x100),
];

/// The group of all accounts.
const EVERYONE: &str = "WD";

/// Accounts that can change everything on the machine or that stand for the owner: the system, the administrators,
/// TrustedInstaller, CREATOR OWNER and OWNER RIGHTS.
const TRUSTED: [&str; 9] = [
    "SY",
    "S-1-5-18",
    "BA",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
    "CO",
    "S-1-3-0",
    "OW",
    "S-1-3-4",
];

/// Returns the owner in a descriptor.
pub(super) fn owner(descriptor: &str) -> Option<&str> {
    split(descriptor).0
}

/// Returns whether a descriptor is of a file system without access control lists. Windows reports Everyone as the owner
/// there.
#[cfg(windows)]
pub(super) fn is_without_list(descriptor: &str) -> bool {
    descriptor.is_empty() || owner(descriptor) == Some(EVERYONE)
}

/// Returns whether an account is `own` or can change everything on the machine.
pub(super) fn is_trusted(account: &str, own: &str) -> bool {
    // App packages and capabilities (S-1-15) restrict the rights of an account and grant none.
    account == own
        || TRUSTED.contains(&account)
        || account == "AC"
        || account.starts_with("S-1-15-")
}

/// Returns the untrusted accounts that have one of these rights. Entries that deny rights are not subtracted, and an
/// entry that cannot be parsed counts as an entry for everyone.
pub(super) fn others<'a>(descriptor: &'a str, rights: u32, own: &str) -> Vec<&'a str> {
    let Some(entries) = entries(split(descriptor).1) else {
        return vec![EVERYONE];
    };
    let mut found: Vec<&str> = Vec::new();
    for entry in entries {
        let account = match entry.splitn(7, ';').collect::<Vec<_>>()[..] {
            [kind, flags, mask, _, _, account, ..] => {
                let is_inherited_only = flags.as_bytes().chunks(2).any(|flag| flag == b"IO");
                let grants = ["A", "OA", "XA", "ZA"].contains(&kind) && !is_inherited_only;
                match grants && mask_of(mask) & rights != 0 {
                    true => account,
                    false => continue,
                }
            }
            _ => EVERYONE,
        };
        if !is_trusted(account, own) && !found.contains(&account) {
            found.push(account);
        }
    }
    found
}

/// Splits a descriptor into the owner and the rest.
fn split(descriptor: &str) -> (Option<&str>, &str) {
    let Some(rest) = descriptor.strip_prefix("O:") else {
        return (None, descriptor);
    };
    // The letter before the next colon names the next part.
    let end = rest
        .find(':')
        .map_or(rest.len(), |colon| colon.saturating_sub(1));
    let (owner, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (Some(owner).filter(|owner| !owner.is_empty()), rest)
}

/// Returns the entries of a list without their parentheses, or `None` without a list, which grants every right to every
/// account.
fn entries(list: &str) -> Option<Vec<&str>> {
    let list = list.strip_prefix("D:")?;
    let (flags, mut rest) = list.split_at(list.find('(').unwrap_or(list.len()));
    if flags.contains("NO_ACCESS_CONTROL") {
        return None;
    }
    let mut entries = Vec::new();
    while !rest.is_empty() {
        // The condition of an entry contains parentheses.
        let mut depth = 0_u32;
        let end = rest.find(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        let (entry, after) = rest.split_at(end.unwrap_or(rest.len()));
        entries.push(entry.strip_prefix('(').unwrap_or_default());
        rest = after.strip_prefix(')').unwrap_or_default();
    }
    Some(entries)
}

fn mask_of(text: &str) -> u32 {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
    }
    let right = |name: &[u8]| {
        let known = RIGHTS.iter().find(|(known, _)| known.as_bytes() == name);
        known.map_or(u32::MAX, |(_, bits)| *bits)
    };
    text.as_bytes()
        .chunks(2)
        .map(right)
        .fold(0, |all, bits| all | bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "S-1-5-21-1-2-3-1001";

    #[test]
    fn untrusted_accounts_are_found_by_their_rights() {
        for (list, change, replace, read) in [
            // A file in the home folder of an account.
            (
                "D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)",
                "",
                "",
                "",
            ),
            // C:\Program Files.
            (
                "D:PAI(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;BU)(A;;0x1200a9;;;AC)(A;OICIIO;GA;;;CO)",
                "",
                "",
                "",
            ),
            // C:\, where other accounts may add folders.
            (
                "D:PAI(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)",
                "AU",
                "",
                "BU",
            ),
            // The root of another disk.
            (
                "D:AI(A;OICIID;0x1301bf;;;AU)(A;ID;FA;;;SY)",
                "AU",
                "AU",
                "AU",
            ),
            ("D:(A;;FR;;;WD)(A;;FW;;;BU)", "BU", "", "WD"),
            ("D:(A;;CCDC;;;BU)", "BU", "", "BU"),
            (
                "D:(A;;SD;;;BU)(A;;WO;;;AU)(A;;WD;;;BG)(A;;DT;;;IU)",
                "BU AU BG IU",
                "BU AU BG IU",
                "",
            ),
            (
                "D:(A;;GW;;;BU)(A;;GA;;;AU)(A;;GR;;;BG)",
                "BU AU",
                "AU",
                "BG",
            ),
            // Denied to one account, and granted twice to another.
            ("D:(D;;FA;;;BU)(A;;FW;;;AU)(A;;FW;;;AU)", "AU", "", ""),
            // Granted on a condition that has parentheses.
            (
                "D:(XA;;FA;;;BU;((@User.a==1)&&(@User.b==2)))(A;;FA;;;AU)",
                "BU AU",
                "BU AU",
                "BU AU",
            ),
            // Unreadable: counts as granted.
            ("D:(A;;QQ;;;BU)", "BU", "BU", "BU"),
            ("D:(A;;0xZZ;;;BU)", "BU", "BU", "BU"),
            ("D:(A;;FA", "WD", "WD", "WD"),
            ("D:(A;;FR;;;BU)x(A;;FR;;;BU)", "WD", "WD", "BU WD"),
            ("D:NO_ACCESS_CONTROL", "WD", "WD", "WD"),
            ("", "WD", "WD", "WD"),
            // An empty list grants nothing.
            ("D:P", "", "", ""),
        ] {
            for (rights, expected) in [(CHANGE, change), (REPLACE, replace), (READ, read)] {
                let descriptor = format!("O:BA{list}");
                let found = others(&descriptor, rights, OWN).join(" ");
                assert_eq!(found, expected, "{descriptor} {rights:x}");
            }
        }
    }

    #[test]
    fn the_owner_is_trusted_if_it_is_this_account_or_an_administrator() {
        for (descriptor, expected) in [
            ("O:BAD:(A;;FA;;;BA)", Some("BA")),
            ("O:DAD:", Some("DA")),
            ("O:S-1-5-21-1-2-3-1001G:DUD:", Some(OWN)),
            ("O:SY", Some("SY")),
            ("D:(A;;FA;;;BA)", None),
            ("O:", None),
        ] {
            assert_eq!(owner(descriptor), expected, "{descriptor}");
        }
        for account in [OWN, "SY", "BA", "S-1-5-32-544", "S-1-15-3-4096"] {
            assert!(is_trusted(account, OWN), "{account}");
        }
        for account in [
            "WD",
            "AU",
            "BU",
            "DA",
            "S-1-5-21-1-2-3-1002",
            "S-1-5-21-1-2-3-10010",
        ] {
            assert!(!is_trusted(account, OWN), "{account}");
        }
    }
}
