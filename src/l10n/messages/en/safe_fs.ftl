### Files and folders that another account can change, and are therefore not used.

safe-foreign = { $path } belongs to the account { $owner } (mode { $mode }), which can change it; remove it or, if you trust it, take it over: { $fix }
safe-writable = { $path } (owner { $owner }, mode { $mode }) can be changed by other accounts; once you trust it: { $fix }
safe-open = { $path } (owner { $owner }, mode { $mode }) is open to other accounts; once you trust it: { $fix }
safe-link = { $path } (owner { $owner }) is a link; put the file that it leads to in its place
safe-replaced = { $path } was replaced while it was opened; run the command again
