//! Trust in files and folders on Windows, based on the owner and the access control list.

use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};

use windows_permissions::constants::{SeObjectType, SecurityInformation};
use windows_permissions::utilities::current_process_sid;
use windows_permissions::wrappers::{
    ConvertSecurityDescriptorToStringSecurityDescriptor, ConvertSidToStringSid, GetSecurityInfo,
    LookupAccountSid,
};
use windows_permissions::{LocalBox, SecurityDescriptor, Sid};

use super::private::is_without_lists;
use super::sddl::{self, CHANGE, DELETE, READ, REPLACE};
use crate::model::{FileKind, Listed, Refusal, Untrusted};

/// The problem codes for a foreign owner and for an open access control list.
type Codes = (&'static str, &'static str);
const TRUSTED: Codes = ("refusal.untrusted", "refusal.untrusted");
const SHARED: Codes = ("refusal.owner", "refusal.open");
const OWN_FOLDER: Codes = ("refusal.planted", "refusal.not_private");

/// The maximum number of links on the way to a file.
const MOST_LINKS: usize = 40;

/// Opens a file that other accounts cannot change. Also returns whether they can read it.
pub(super) fn open(path: &Path) -> io::Result<(File, bool)> {
    let named = follow(path, TRUSTED)?;
    let file = File::open(path)?;
    let found = Descriptor::of(&file)?;
    found.refuse(path, CHANGE, TRUSTED, Listed::Writable)?;
    let information = winapi_util::file::information;
    let (opened, named) = (information(&file)?, information(&look_at(&named)?)?);
    let identity =
        |of: &winapi_util::file::Information| (of.volume_serial_number(), of.file_index());
    if identity(&opened) != identity(&named) {
        // The opened file is not the checked one.
        let path = path.to_owned();
        let (owner, fix) = (String::new(), String::new());
        let why = Untrusted::Replaced;
        return Err(Refusal::Untrusted {
            why,
            path,
            owner,
            mode: 0,
            fix,
        }
        .into());
    }
    let is_exposed = !found.others(READ).is_empty();
    Ok((file, is_exposed))
}

/// Checks one of the program's folders and its parents. Other accounts cannot add, replace or change files.
pub fn check_folder(path: &Path) -> io::Result<()> {
    let named = follow(path, TRUSTED)?;
    if !named.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    check(&named, CHANGE, TRUSTED, Listed::Writable)
}

/// Checks one of the program's own files, if it exists. Other accounts can neither read nor change it.
pub fn check_private(path: &Path) -> io::Result<()> {
    // Another process may delete the file at any time.
    let file = match look_at(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if file.metadata()?.is_symlink() {
        return Err(Refusal::not_a_file(FileKind::Link));
    }
    Descriptor::of(&file)?.refuse(path, CHANGE | READ, TRUSTED, Listed::Open)
}

/// Checks a folder to which other accounts may add files, and its parents.
pub(super) fn check_shared_folder(path: &Path) -> io::Result<()> {
    let named = follow(path, SHARED)?;
    check(&named, replace(&named), SHARED, Listed::Renaming)
}

/// Checks a subfolder that only this account uses, in a shared folder.
pub(super) fn check_own_folder(path: &Path) -> io::Result<()> {
    check(path, CHANGE, OWN_FOLDER, Listed::Writable)
}

/// Checks every folder and link on the way to `path`. Returns the path of the destination, which is not checked.
fn follow(path: &Path, codes: Codes) -> io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..MOST_LINKS {
        let Some(target) = first_link(&path, codes)? else {
            return Ok(path);
        };
        path = std::path::absolute(target)?;
    }
    Err(io::ErrorKind::InvalidInput.into())
}

/// Checks the folders on the way to a path up to the first link. Returns the path with the destination of that link
/// in its place, or `None` if the path has no link.
fn first_link(path: &Path, codes: Codes) -> io::Result<Option<PathBuf>> {
    let mut way: Vec<&Path> = path.ancestors().collect();
    way.reverse();
    for step in way {
        let is_link = step.symlink_metadata()?.is_symlink();
        if step != path || is_link {
            check(step, replace(step), codes, Listed::Renaming)?;
        }
        if is_link {
            let above = step.parent().unwrap_or(step);
            let left = path.strip_prefix(step).unwrap_or(Path::new(""));
            return Ok(Some(above.join(step.read_link()?).join(left)));
        }
    }
    Ok(None)
}

/// Returns the rights to replace a folder or its entries. The root of a disk cannot be renamed.
fn replace(folder: &Path) -> u32 {
    match folder.parent() {
        Some(_) => REPLACE,
        None => REPLACE & !DELETE,
    }
}

fn check(path: &Path, rights: u32, codes: Codes, why: Listed) -> io::Result<()> {
    Descriptor::of(&look_at(path)?)?.refuse(path, rights, codes, why)
}

/// Opens a file, a folder or a link, without following it, to read its owner and access control list.
fn look_at(path: &Path) -> io::Result<File> {
    const READ_CONTROL: u32 = 0x0002_0000;
    const FILE_READ_ATTRIBUTES: u32 = 0x80;
    const FILE_SHARE_ALL: u32 = 7;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let mut options = File::options();
    options.access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES);
    options.share_mode(FILE_SHARE_ALL);
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    options.open(path)
}

/// The owner and the access control list of an open file, in SDDL. Empty if the file system has no such lists.
struct Descriptor {
    text: String,
    /// The account of this process, in SDDL.
    own: String,
}

impl Descriptor {
    fn of(file: &impl AsRawHandle) -> io::Result<Descriptor> {
        let what = SecurityInformation::Owner | SecurityInformation::Dacl;
        let text = match GetSecurityInfo(file, SeObjectType::SE_FILE_OBJECT, what) {
            Err(error) if is_without_lists(&error) => String::new(),
            found => in_text(&*found?)?,
        };
        let own = format!("O:{}", own_sid()?);
        let own = in_text(&*own.parse::<LocalBox<SecurityDescriptor>>()?)?;
        let own = sddl::owner(&own).unwrap_or_default().to_owned();
        Ok(Descriptor { text, own })
    }

    /// Returns the untrusted accounts that have one of these rights.
    fn others(&self, rights: u32) -> Vec<&str> {
        sddl::others(&self.text, rights, &self.own)
    }

    fn refuse(&self, path: &Path, rights: u32, codes: Codes, why: Listed) -> io::Result<()> {
        let owner = sddl::owner(&self.text).filter(|owner| !sddl::is_trusted(owner, &self.own));
        let others = self.others(rights);
        let (code, why, accounts) = match owner {
            _ if sddl::is_without_list(&self.text) => (codes.1, Listed::Unlisted, Vec::new()),
            Some(owner) => (codes.0, Listed::Foreign, vec![owner]),
            None if others.is_empty() => return Ok(()),
            None => (codes.1, why, others),
        };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let fix = fix(why, &path, &accounts)?;
        let names: Vec<Option<String>> = accounts.iter().copied().map(name_of).collect();
        let why = match names.iter().all(Option::is_some) {
            true => why,
            false => Listed::Unknown,
        };
        let of_account =
            |(name, account): (Option<String>, &str)| name.unwrap_or_else(|| sid_of(account));
        let accounts: Vec<String> = names.into_iter().zip(accounts).map(of_account).collect();
        let accounts = accounts.join(", ");
        Err(Refusal::Listed {
            code,
            why,
            path,
            accounts,
            fix,
        }
        .into())
    }
}

/// Returns the command, for cmd and PowerShell, that restricts a file or folder to this account. It names accounts by
/// their SIDs, because names depend on the language of Windows.
fn fix(why: Listed, path: &Path, others: &[&str]) -> io::Result<String> {
    let own = own_sid()?;
    let mut fix = format!("icacls \"{}\"", path.display());
    if why == Listed::Unlisted {
        // Such a file system has no permissions to change.
        return Ok(String::new());
    }
    if why == Listed::Foreign {
        return Ok(fix + &format!(" /setowner \"*{own}\""));
    }
    let inherit = if path.is_dir() { "(OI)(CI)" } else { "" };
    fix += " /inheritance:r /grant:r";
    for account in [&*own, "S-1-5-32-544", "S-1-5-18"] {
        fix += &format!(" \"*{account}:{inherit}F\"");
    }
    let others: Vec<String> = others.iter().map(|account| sid_of(account)).collect();
    if why == Listed::Renaming {
        // Other accounts may add files, and change the files that they added.
        fix += " \"*S-1-3-0:(OI)(IO)M\"";
        for account in &others {
            fix += &format!(" \"*{account}:(RX,WD)\"");
        }
    } else {
        fix += " /remove:g";
        for account in &others {
            fix += &format!(" \"*{account}\"");
        }
    }
    Ok(fix)
}

fn in_text(descriptor: &SecurityDescriptor) -> io::Result<String> {
    let what = SecurityInformation::Owner | SecurityInformation::Dacl;
    let text = ConvertSecurityDescriptorToStringSecurityDescriptor(descriptor, what)?;
    text.into_string()
        .map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Returns the SID of the account of this process.
fn own_sid() -> io::Result<String> {
    let sid = ConvertSidToStringSid(&*current_process_sid()?)?;
    Ok(sid.to_string_lossy().into_owned())
}

/// Returns the SID of an account in SDDL, which abbreviates well-known accounts.
fn sid_of(account: &str) -> String {
    let found = account.parse::<LocalBox<Sid>>();
    let sid = found.and_then(|found| ConvertSidToStringSid(&found));
    sid.map_or(account.to_owned(), |sid| sid.to_string_lossy().into_owned())
}

/// Returns the name of an account as Windows shows it, or `None` if this machine does not know the account.
fn name_of(account: &str) -> Option<String> {
    let found = account.parse::<LocalBox<Sid>>();
    let (name, domain) = found.and_then(|found| LookupAccountSid(&found)).ok()?;
    let (name, domain) = (name.to_string_lossy(), domain.to_string_lossy());
    Some(match domain.is_empty() {
        true => name.into_owned(),
        false => format!("{domain}\\{name}"),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::private::{create_one_folder, create_private, set_list};
    use super::*;
    use crate::safe_fs::{Folder, TrustedFile, check_folder, check_private};

    /// Sets a list with full access for this account, followed by the entries in `others`.
    fn grant(path: &Path, others: &str) {
        const WRITE_DAC: u32 = 0x0004_0000;
        let mut options = File::options();
        options.access_mode(WRITE_DAC | 0x0002_0000);
        options.share_mode(7).custom_flags(0x0200_0000);
        let mut file = options.open(path).unwrap();
        set_list(&mut file, &format!("(A;OICI;FA;;;{{account}}){others}")).unwrap();
    }

    /// Returns the code, the reason and the command of a refusal.
    fn refused<T>(result: io::Result<T>) -> Option<(&'static str, Listed, String)> {
        let error = result.err()?;
        match Refusal::within(&error) {
            Some(Refusal::Listed { code, why, fix, .. }) => Some((code, *why, fix.clone())),
            _ => panic!("{error}"),
        }
    }

    #[test]
    fn a_file_that_other_accounts_can_change_is_refused_with_the_command_that_restricts_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a b");
        create_one_folder(&folder).unwrap();
        let file = folder.join("rosterpatch.toml");
        drop(create_private(&file).unwrap());
        let open = || refused(TrustedFile::open(&file));
        assert_eq!(open(), None);
        assert_eq!(refused(check_private(&file)), None);
        assert_eq!(refused(check_folder(&folder)), None);
        assert_eq!(refused(Folder::open(&folder)), None);

        grant(&file, "(A;;FR;;;WD)");
        assert!(TrustedFile::open(&file).unwrap().is_exposed());
        let (code, why, fix) = refused(check_private(&file)).unwrap();
        assert_eq!((code, why), ("refusal.untrusted", Listed::Open));
        assert!(fix.ends_with("/remove:g \"*S-1-1-0\""), "{fix}");
        grant(&file, "(A;;FRFW;;;WD)");
        let (code, why, fix) = open().unwrap();
        assert_eq!((code, why), ("refusal.untrusted", Listed::Writable));
        let start = format!("icacls \"{}\" /inheritance:r /grant:r \"*", file.display());
        assert!(fix.starts_with(&start), "{fix}");
        assert!(
            fix.contains(":F\" \"*S-1-5-32-544:F\" \"*S-1-5-18:F\""),
            "{fix}"
        );
        grant(&file, "");
        assert_eq!(open(), None);

        // Other accounts can replace every file in the folder.
        grant(&folder, "(A;;FA;;;WD)");
        assert_eq!(open().unwrap().1, Listed::Renaming);
        assert_eq!(refused(check_folder(&folder)).unwrap().1, Listed::Writable);
        let (code, why, fix) = refused(Folder::open(&folder)).unwrap();
        assert_eq!((code, why), ("refusal.open", Listed::Renaming));
        let end = "\"*S-1-3-0:(OI)(IO)M\" \"*S-1-1-0:(RX,WD)\"";
        assert!(fix.ends_with(end), "{fix}");
        let within = Folder::open(root.path()).unwrap().private_if_there("a b");
        let (code, why, _) = refused(within).unwrap();
        assert_eq!((code, why), ("refusal.not_private", Listed::Writable));
    }

    #[test]
    fn a_file_system_without_lists_and_unknown_accounts_are_named() {
        let own = Descriptor::of(&look_at(&std::env::temp_dir()).unwrap())
            .unwrap()
            .own;
        let file = Path::new("r.toml");
        let refused = |text: &str| {
            let (text, own) = (text.to_owned(), own.clone());
            refused(Descriptor { text, own }.refuse(file, CHANGE, TRUSTED, Listed::Writable))
        };
        // Windows reports Everyone as the owner on FAT.
        for without in ["", "O:WDG:WDD:NO_ACCESS_CONTROL", "O:WDG:WDD:(A;;FA;;;WD)"] {
            let (code, why, fix) = refused(without).unwrap();
            assert_eq!(
                (code, why, &*fix),
                ("refusal.untrusted", Listed::Unlisted, "")
            );
        }
        for (unknown, fix) in [
            ("O:S-1-5-21-9-9-9-1001D:(A;;FA;;;SY)", "/setowner"),
            (
                "O:SYD:(A;;FA;;;S-1-5-21-9-9-9-1001)",
                "/remove:g \"*S-1-5-21-9-9-9-1001\"",
            ),
        ] {
            let (_, why, found) = refused(unknown).unwrap();
            assert_eq!(why, Listed::Unknown);
            assert!(found.contains(fix), "{found}");
        }
        assert_eq!(refused("O:SYD:(A;;FA;;;WD)").unwrap().1, Listed::Writable);
    }
}
