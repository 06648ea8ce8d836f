//! Owners and access control lists of Windows decide whether a file or folder may be trusted.

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

/// The codes of what another account owns, and of what it can change.
type Codes = (&'static str, &'static str);
const TRUSTED: Codes = ("refusal.untrusted", "refusal.untrusted");
const ON_THE_WAY: Codes = ("refusal.owner", "refusal.open");
const OWN_FOLDER: Codes = ("refusal.planted", "refusal.not_private");

/// Links on the way to a file.
const MOST_LINKS: usize = 40;

/// Opens a file, and whether other accounts can read what belongs to this one.
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
        // The way to the file that has its name now was not checked.
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

/// Checks a folder of the program's own files, and the way to it.
pub(super) fn check_folder(path: &Path) -> io::Result<()> {
    let named = follow(path, TRUSTED)?;
    if !named.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    check(&named, CHANGE, TRUSTED, Listed::Writable)
}

/// Checks a file of the program's own, if it is there.
pub(super) fn check_private(path: &Path) -> io::Result<()> {
    let metadata = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if metadata.is_symlink() {
        return Err(Refusal::NotAFile {
            kind: FileKind::Link,
        }
        .into());
    }
    check(path, CHANGE | READ, TRUSTED, Listed::Open)
}

/// Checks a folder to which other accounts may add files, and the way to it.
pub(super) fn check_shared_folder(path: &Path) -> io::Result<()> {
    let named = follow(path, ON_THE_WAY)?;
    check(&named, replace(&named), ON_THE_WAY, Listed::Renaming)
}

/// Checks a subfolder of this account's own in such a folder.
pub(super) fn check_own_folder(path: &Path) -> io::Result<()> {
    check(path, CHANGE, OWN_FOLDER, Listed::Writable)
}

/// Checks every folder and link on the way to `path`, and returns the path of what it leads to, which is not
/// checked.
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

/// Checks the folders on the way to a path up to the first link. Returns the path with what that link leads to in
/// its place.
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

/// The rights to replace a folder or what lies in it. The root of a disk itself cannot be renamed.
fn replace(folder: &Path) -> u32 {
    match folder.parent() {
        Some(_) => REPLACE,
        None => REPLACE & !DELETE,
    }
}

fn check(path: &Path, rights: u32, codes: Codes, why: Listed) -> io::Result<()> {
    Descriptor::of(&look_at(path)?)?.refuse(path, rights, codes, why)
}

/// Opens a file, a folder or a link itself for its owner and list.
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

/// The owner and the access control list of an open file, as text.
struct Descriptor {
    text: String,
    /// This account, as a descriptor names it.
    own: String,
}

impl Descriptor {
    fn of(file: &impl AsRawHandle) -> io::Result<Descriptor> {
        let what = SecurityInformation::Owner | SecurityInformation::Dacl;
        let text = match GetSecurityInfo(file, SeObjectType::SE_FILE_OBJECT, what) {
            Err(error) if is_without_lists(&error) => String::new(),
            found => in_text(&*found?)?,
        };
        let own = format!("O:{}", own_number()?);
        let own = in_text(&*own.parse::<LocalBox<SecurityDescriptor>>()?)?;
        let own = sddl::owner(&own).unwrap_or_default().to_owned();
        Ok(Descriptor { text, own })
    }

    /// The accounts with one of these rights that are neither this one nor may change everything.
    fn others(&self, rights: u32) -> Vec<&str> {
        sddl::others(&self.text, rights, &self.own)
    }

    fn refuse(&self, path: &Path, rights: u32, codes: Codes, why: Listed) -> io::Result<()> {
        let owner = sddl::owner(&self.text).filter(|owner| !sddl::is_trusted(owner, &self.own));
        let others = self.others(rights);
        let (code, why, accounts) = match owner {
            Some(owner) => (codes.0, Listed::Foreign, vec![owner]),
            None if others.is_empty() => return Ok(()),
            None => (codes.1, why, others),
        };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let fix = fix(why, &path, &accounts)?;
        let accounts: Vec<String> = accounts.into_iter().map(name_of).collect();
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

/// The command that makes a file or folder this account's own, for cmd and PowerShell. Accounts have their numbers
/// there: their names depend on the language of Windows.
fn fix(why: Listed, path: &Path, others: &[&str]) -> io::Result<String> {
    let own = own_number()?;
    let mut fix = format!("icacls \"{}\"", path.display());
    if why == Listed::Foreign {
        return Ok(fix + &format!(" /setowner \"*{own}\""));
    }
    let inherit = if path.is_dir() { "(OI)(CI)" } else { "" };
    fix += " /inheritance:r /grant:r";
    for account in [&*own, "S-1-5-32-544", "S-1-5-18"] {
        fix += &format!(" \"*{account}:{inherit}F\"");
    }
    let others: Vec<String> = others.iter().map(|account| number_of(account)).collect();
    if why == Listed::Renaming {
        // The others may add files, and change those that they added.
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

/// The number of the account of this process.
fn own_number() -> io::Result<String> {
    let number = ConvertSidToStringSid(&*current_process_sid()?)?;
    Ok(number.to_string_lossy().into_owned())
}

/// The number of an account in a descriptor, which has letters for some.
fn number_of(account: &str) -> String {
    let found = account.parse::<LocalBox<Sid>>();
    let number = found.and_then(|found| ConvertSidToStringSid(&found));
    number.map_or(account.to_owned(), |number| {
        number.to_string_lossy().into_owned()
    })
}

/// The name of an account in a descriptor, as Windows shows it.
fn name_of(account: &str) -> String {
    let found = account.parse::<LocalBox<Sid>>();
    match found.and_then(|found| LookupAccountSid(&found)) {
        Ok((name, domain)) if domain.is_empty() => name.to_string_lossy().into_owned(),
        Ok((name, domain)) => format!("{}\\{}", domain.to_string_lossy(), name.to_string_lossy()),
        Err(_) => number_of(account),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::private::{create_one_folder, create_private, set_list};
    use super::*;
    use crate::safe_fs::{Folder, TrustedFile, check_folder, check_private};

    /// A list that lets this account do everything, and every account what `others` says.
    fn grant(path: &Path, others: &str) {
        const WRITE_DAC: u32 = 0x0004_0000;
        let mut options = File::options();
        options.access_mode(WRITE_DAC | 0x0002_0000);
        options.share_mode(7).custom_flags(0x0200_0000);
        let mut file = options.open(path).unwrap();
        set_list(&mut file, &format!("(A;OICI;FA;;;{{account}}){others}")).unwrap();
    }

    /// What is refused: the code, what is wrong, and the command.
    fn refused<T>(result: io::Result<T>) -> Option<(&'static str, Listed, String)> {
        let error = result.err()?;
        match Refusal::within(&error) {
            Some(Refusal::Listed { code, why, fix, .. }) => Some((code, *why, fix.clone())),
            _ => panic!("{error}"),
        }
    }

    #[test]
    fn what_other_accounts_can_change_is_refused_with_the_command_that_restricts_it() {
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

        // Others can replace the file and whatever else lies in the folder.
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
}
