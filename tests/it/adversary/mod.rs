//! What an adversary tries, and what must become of it: hostile answers, races, clocks and files.

mod answers;
mod files;
mod personal_data;
mod races;
