### Reasons for not using a file or folder that another account can change.

safe-foreign = { $path } belongs to the account { $owner } (mode { $mode }), which can change it; remove it or, if you trust it, take ownership: { $fix }
safe-writable = { $path } (owner { $owner }, mode { $mode }) can be changed by other accounts; once you trust it: { $fix }
safe-open = { $path } (owner { $owner }, mode { $mode }) is open to other accounts; once you trust it: { $fix }
safe-link = { $path } (owner { $owner }) is a link; replace it with the file that it points to
safe-replaced = { $path } was replaced while it was opened; run the command again
safe-listed-foreign = { $path } belongs to { $accounts }, which can change it; remove it or, if you trust it, take ownership as an administrator: { $fix }
safe-listed-writable = { $path } can be changed by { $accounts }; once you trust it, run: { $fix }
safe-listed-open = { $path } is open to { $accounts }; once you trust it, run: { $fix }
safe-listed-renaming = { $accounts } can rename { $path } or its files; to let them only add files, run: { $fix }
safe-listed-unknown = { $path } belongs to or can be changed by { $accounts }, which this machine does not know. On a share, use a folder on a local disk or on a server in the same domain instead. Elsewhere, once you trust it, run: { $fix }
safe-listed-unlisted = { $path } is on a file system without permissions, such as FAT32 or exFAT, so every account can change it; move it to an NTFS disk

### Reasons for not using a file or folder that other accounts can write to.

kind-file = a regular file
kind-folder = a folder
kind-link = a symbolic link
kind-pipe = a named pipe (FIFO)
kind-socket = a socket
kind-device = a device
refusal-not-a-file = it is { $kind }, not a regular file
refusal-hard-linked = it has { $links } hard links, so it may be a file of another account; put a copy in its place
refusal-foreign = it is { $kind } that belongs to another account; remove it, or name another file
refusal-swapped = it was replaced or changed while rosterpatch read it; put the file there again
refusal-not-utf8 = its name is not valid UTF-8; rename the file
refusal-too-large = it is larger than the limit of { $most } bytes
refusal-no-temporary = no temporary file can be written in { $folder }; free space there, or set TMPDIR to a folder that this account can write to
refusal-stopped = stopped while waiting for data
refusal-not-a-folder = { $path } is { $kind }, not a folder created by rosterpatch; another account may have put it there. Remove it
refusal-owner = { $path } belongs to account { $owner }, which can replace what rosterpatch writes there. Run rosterpatch as that account, or `chown { $own } { $path }`
refusal-open = other accounts can rename the files in { $path } (mode { $mode }). Run `chmod +t { $path }` to let them add files only, or `chmod go-w { $path }`
refusal-planted = { $path } belongs to account { $owner }, not to the account that runs rosterpatch ({ $own }). If another account put it there, remove it; if not, run `chown -R { $own } { $path }`
refusal-not-private = other accounts can write to { $path } (mode { $mode }). Run `chmod go-w { $path }`
refusal-not-owner = { $path } has the sticky bit and belongs to account { $owner }, so account { $own } cannot move files of other accounts. Run `chown { $own } { $path }`
refusal-not-a-roster = its name does not end in .csv, .txt, .tsv, .xlsx, .xls or .ods; rename it if it is a roster
refusal-unfinished = its name marks an upload in progress, and it has not changed for an hour; upload it again
