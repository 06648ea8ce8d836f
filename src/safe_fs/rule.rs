//! Rules for who can rename the entries of a folder.

use std::path::Path;

use crate::model::Refusal;

/// The owner, group and mode of a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) mode: u32,
}

const STICKY: u32 = 0o1000;

impl Access {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Access {
        use std::os::unix::fs::MetadataExt;
        Access {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        }
    }

    /// Refuses a folder in which accounts other than `own` and root can rename or remove entries of others. A
    /// sticky folder prevents this (POSIX, rename: EACCES or EPERM).
    pub(super) fn refuse_renaming(
        self,
        path: &Path,
        own: u32,
        is_private_group: impl FnOnce() -> bool,
    ) -> Result<(), Refusal> {
        let path = || path.to_owned();
        if self.owner != own && self.owner != 0 {
            let (owner, path) = (self.owner, path());
            return Err(Refusal::Owner { path, owner, own });
        }
        if self.mode & STICKY != 0 || !self.is_open(is_private_group) {
            return Ok(());
        }
        let (mode, path) = (self.mode, path());
        Err(Refusal::Open { path, mode })
    }

    /// Refuses a folder that does not belong to `own` or that other accounts can write to.
    pub(super) fn refuse_sharing(
        self,
        path: &Path,
        own: u32,
        is_private_group: impl FnOnce() -> bool,
    ) -> Result<(), Refusal> {
        let path = || path.to_owned();
        if self.owner != own {
            let (owner, path) = (self.owner, path());
            return Err(Refusal::Planted { path, owner, own });
        }
        if self.is_open(is_private_group) {
            let (mode, path) = (self.mode, path());
            return Err(Refusal::NotPrivate { path, mode });
        }
        Ok(())
    }

    fn is_open(self, is_private_group: impl FnOnce() -> bool) -> bool {
        self.mode & 0o002 != 0 || (self.mode & 0o020 != 0 && !is_private_group())
    }

    /// Returns whether the owner is the only known member of the group. Several distributions create such a
    /// group per account, with umask 002.
    pub(super) fn has_private_group(self) -> bool {
        let text = |path: &str| std::fs::read_to_string(path).ok();
        let (Some(sources), Some(accounts), Some(groups)) = (
            text("/etc/nsswitch.conf"),
            text("/etc/passwd"),
            text("/etc/group"),
        ) else {
            return false;
        };
        is_complete(&sources) && is_alone(self.owner, self.group, &accounts, &groups)
    }
}

/// Returns whether the local files list all accounts and groups: `/etc/nsswitch.conf` names no directory
/// service. Accounts added by systemd have groups of their own.
fn is_complete(sources: &str) -> bool {
    let lines = || {
        sources
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
    };
    let of = |database: &str| {
        let found = lines().filter_map(|line| line.trim().split_once(':'));
        let mut found = found.filter(|(name, _)| name.trim() == database);
        let (_, services) = found.next()?;
        // Actions such as `[success=merge]` are not services.
        let mut services = services
            .split_whitespace()
            .filter(|word| !word.starts_with('[') && !word.ends_with(']'));
        Some(services.all(|service| ["files", "systemd"].contains(&service)))
    };
    of("passwd") == Some(true) && of("group") == Some(true) && of("initgroups") != Some(false)
}

/// Returns whether a group is the primary group of one account only and has no other members.
fn is_alone(owner: u32, group: u32, accounts: &str, groups: &str) -> bool {
    let number = |field: Option<&&str>| field.and_then(|field| field.parse::<u32>().ok());
    fn fields(line: &str) -> Vec<&str> {
        line.split(':').collect()
    }
    let mut own_names = Vec::new();
    for line in accounts.lines().map(fields) {
        let (account, primary) = (number(line.get(2)), number(line.get(3)));
        if account == Some(owner) {
            own_names.extend(line.first().copied());
        } else if primary == Some(group) {
            return false;
        }
    }
    let mut is_known = false;
    for line in groups.lines().map(fields) {
        if number(line.get(2)) != Some(group) {
            continue;
        }
        is_known = true;
        let members = line.get(3).copied().unwrap_or_default();
        let mut members = members
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        if members.any(|name| !own_names.contains(&name)) {
            return false;
        }
    }
    is_known && !own_names.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/:/bin/sh\n\
                            bo:x:1001:1001::/:/bin/sh\nute:x:1002:100::/:/bin/sh\n\
                            ulf:x:1003:100::/:/bin/sh\n";
    const GROUPS: &str = "root:x:0:\nanna:x:1000:anna\nbo:x:1001:ute\nusers:x:100:\n";

    #[test]
    fn a_group_is_private_only_if_it_has_no_other_known_member() {
        let is_alone = |owner, group| is_alone(owner, group, ACCOUNTS, GROUPS);
        assert!(is_alone(1000, 1000));
        assert!(is_alone(0, 0));
        assert!(!is_alone(1001, 1001), "another member");
        assert!(!is_alone(1002, 100), "another account's primary group");
        assert!(!is_alone(1000, 4000), "an unknown group");
        assert!(!is_alone(4000, 1000), "an unknown account");
        for (sources, expected) in [
            (
                "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd\n",
                true,
            ),
            ("passwd:\tfiles\ngroup:\tfiles # none\n", true),
            ("passwd: files sss\ngroup: files\n", false),
            ("passwd: files\ngroup: files ldap\n", false),
            (
                "passwd: files\ngroup: files\ninitgroups: files sss\n",
                false,
            ),
            ("passwd: files\n", false),
            ("", false),
        ] {
            assert_eq!(is_complete(sources), expected, "{sources}");
        }
    }

    #[test]
    fn a_folder_is_accepted_if_others_cannot_rename_its_entries() {
        let refused = |owner, mode, is_private: bool| {
            let access = Access {
                owner,
                group: owner,
                mode,
            };
            let refused = access.refuse_renaming(Path::new("inbox"), 7, || is_private);
            refused
                .err()
                .map(|refusal| matches!(refusal, Refusal::Open { .. }))
        };
        for mode in [0o700, 0o750, 0o755, 0o1770, 0o3770, 0o1777] {
            assert_eq!(refused(7, mode, false), None, "{mode:o}");
            assert_eq!(refused(0, mode, false), None, "{mode:o}");
            assert_eq!(refused(8, mode, true), Some(false), "{mode:o}");
        }
        assert_eq!(refused(7, 0o775, true), None);
        assert_eq!(refused(7, 0o775, false), Some(true));
        assert_eq!(refused(7, 0o777, true), Some(true));

        let shared = |owner, mode, is_private: bool| {
            let access = Access {
                owner,
                group: owner,
                mode,
            };
            access
                .refuse_sharing(Path::new("held"), 7, || is_private)
                .is_err()
        };
        assert!(!shared(7, 0o700, false) && !shared(7, 0o2750, false) && !shared(7, 0o775, true));
        assert!(shared(0, 0o700, false) && shared(8, 0o700, false));
        assert!(shared(7, 0o1777, true) && shared(7, 0o1770, false));
    }
}
