//! Creation of files and folders that only the current account can use.

#[cfg(all(test, windows))]
pub(super) use system::set_list;
#[cfg(windows)]
pub(super) use system::{create_one_folder, is_without_lists};
pub use system::{create_private, create_private_folder, let_others_read};

#[cfg(unix)]
mod system {
    use std::fs::{DirBuilder, File};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    /// Creates a private file, open for reading and writing. Fails if the name exists.
    pub fn create_private(path: &Path) -> io::Result<File> {
        let mut options = File::options();
        options.create_new(true).read(true).write(true).mode(0o600);
        options.open(path)
    }

    /// Creates a private folder, including missing parent folders.
    pub fn create_private_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Lets every account read an open file that this account created.
    pub fn let_others_read(file: &File) -> io::Result<()> {
        file.set_permissions(PermissionsExt::from_mode(0o644))
    }
}

/// New files and folders get an access control list with one entry, without inherited entries.
#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    use windows_permissions::constants::{SeObjectType, SecurityInformation};
    use windows_permissions::utilities::current_process_sid;
    use windows_permissions::wrappers::{ConvertSidToStringSid, SetSecurityInfo};
    use windows_permissions::{LocalBox, SecurityDescriptor};

    const GENERIC_READ: u32 = 0x8000_0000;
    const GENERIC_WRITE: u32 = 0x4000_0000;
    const READ_CONTROL: u32 = 0x0002_0000;
    const WRITE_DAC: u32 = 0x0004_0000;
    /// Other processes can rename or delete the file while it is open, but not open it.
    const FILE_SHARE_DELETE: u32 = 4;
    const FILE_SHARE_ALL: u32 = 7;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    /// The errors of file systems without access control lists: ERROR_INVALID_FUNCTION and ERROR_NOT_SUPPORTED.
    const NO_LISTS: [i32; 2] = [1, 50];
    const ERROR_ACCESS_DENIED: i32 = 5;

    /// Creates a private file, open for reading and writing. Other processes can open it only after its
    /// access control list is set. On a file system without such lists, and on a share where this account
    /// cannot change them, the file has the permissions of its folder. Fails if the name exists.
    pub fn create_private(path: &Path) -> io::Result<File> {
        let create = |access: u32| {
            let mut options = File::options();
            options.create_new(true).read(true).write(true);
            options.access_mode(access).share_mode(FILE_SHARE_DELETE);
            options.open(path)
        };
        let access = GENERIC_READ | GENERIC_WRITE;
        match create(access | READ_CONTROL | WRITE_DAC) {
            Ok(mut file) => match set_list(&mut file, "(A;;FA;;;{account})") {
                Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) => Ok(file),
                Err(error) => {
                    // A file without its list must not remain.
                    drop(file);
                    let _ = std::fs::remove_file(path);
                    Err(error)
                }
                Ok(()) => Ok(file),
            },
            Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) => create(access),
            Err(error) => Err(error),
        }
    }

    /// Creates a private folder, including missing parent folders.
    pub fn create_private_folder(path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(above) = path.parent().filter(|above| *above != Path::new("")) {
            create_private_folder(above)?;
        }
        match create_one_folder(path) {
            // Another process created it first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            created => created,
        }
    }

    /// Creates one private folder. Fails if the name exists.
    pub(in crate::safe_fs) fn create_one_folder(path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)?;
        let mut options = File::options();
        options.read(true).access_mode(READ_CONTROL | WRITE_DAC);
        options.share_mode(FILE_SHARE_ALL);
        options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        let set = options.open(path).and_then(|mut folder| {
            // Files that are created in the folder inherit the entry.
            set_list(&mut folder, "(A;OICI;FA;;;{account})")
        });
        match set {
            Err(error) if error.raw_os_error() != Some(ERROR_ACCESS_DENIED) => {
                // A folder without its list must not remain.
                let _ = std::fs::remove_dir(path);
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Lets every account read an open file that this account created.
    pub fn let_others_read(file: &File) -> io::Result<()> {
        let set = set_list(&mut file.try_clone()?, "(A;;FA;;;{account})(A;;FR;;;WD)");
        match set {
            Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) => Ok(()),
            set => set,
        }
    }

    /// Replaces an access control list, without inherited entries. `{account}` in the entries stands for this account.
    pub(in crate::safe_fs) fn set_list(file: &mut File, entries: &str) -> io::Result<()> {
        let account = ConvertSidToStringSid(&*current_process_sid()?)?;
        let account = account.to_string_lossy();
        let entries = entries.replace("{account}", &account);
        let list: LocalBox<SecurityDescriptor> = format!("D:P{entries}").parse()?;
        let what = SecurityInformation::Dacl | SecurityInformation::ProtectedDacl;
        let kind = SeObjectType::SE_FILE_OBJECT;
        match SetSecurityInfo(file, kind, what, None, None, list.dacl(), None) {
            Err(error) if is_without_lists(&error) => Ok(()),
            set => set,
        }
    }

    /// Returns whether an error means that the file system has no access control lists.
    pub(in crate::safe_fs) fn is_without_lists(error: &io::Error) -> bool {
        let code = error.raw_os_error();
        code.is_some_and(|code| NO_LISTS.contains(&code))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_access_list_has_one_entry_of_this_account() {
            use windows_permissions::wrappers::GetSecurityInfo;
            let folder = tempfile::tempdir().unwrap();
            let file = create_private(&folder.path().join("r.csv")).unwrap();
            let what = SecurityInformation::Dacl;
            let list = GetSecurityInfo(&file, SeObjectType::SE_FILE_OBJECT, what).unwrap();
            let list = list.as_sddl().unwrap().into_string().unwrap();
            let account = ConvertSidToStringSid(&*current_process_sid().unwrap()).unwrap();
            let account = account.to_str().unwrap();
            let entry = format!("(A;;FA;;;{account})");
            assert!(list.contains(&entry), "{list}");
            // wine adds the entries of the folder to every list.
            if std::env::var_os("WINEPREFIX").is_none() {
                assert_eq!(list, format!("D:P{entry}"));
            }
        }
    }
}
