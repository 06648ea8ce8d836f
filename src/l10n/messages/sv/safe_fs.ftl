safe-foreign = { $path } tillhör kontot { $owner } (rättigheter { $mode }), som kan ändra innehållet; ta bort filen eller, om du litar på den, ta över den: { $fix }
safe-writable = { $path } (ägare { $owner }, rättigheter { $mode }) kan ändras av andra konton; när du litar på innehållet: { $fix }
safe-open = { $path } (ägare { $owner }, rättigheter { $mode }) är öppen för andra konton; när du litar på innehållet: { $fix }
safe-link = { $path } (ägare { $owner }) är en länk; lägg filen som den leder till på dess plats
safe-replaced = { $path } byttes ut medan den öppnades; kör kommandot igen
