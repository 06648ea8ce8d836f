//! Detection of access control lists on files and folders.

use std::os::fd::AsFd;

/// Returns whether an access control list may grant more than the mode. With a list, the group bits of the
/// mode show its mask. Returns true if the system does not report it.
#[cfg(target_os = "linux")]
pub(super) fn may_have_list(folder: impl AsFd) -> bool {
    use rustix::io::Errno;
    let size = rustix::fs::fgetxattr(folder, "system.posix_acl_access", &mut [0_u8; 0]);
    !matches!(size, Err(Errno::NODATA | Errno::NOTSUP))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn may_have_list(_folder: impl AsFd) -> bool {
    true
}
