//! A simulation selects the API that a target describes.

use super::any::{self, Description};
use super::{meitner, pathwright};

/// An API that the sandbox simulates.
#[derive(Debug)]
pub enum Simulation {
    /// The Meitner Directory API, as its documentation describes it.
    Meitner,
    /// The Pathwright API, as its documentation describes it.
    Pathwright,
    /// The API that a target file describes.
    Described(Box<Description>),
}

impl Simulation {
    /// Selects the simulation of the API that a target file describes.
    ///
    /// The built-in APIs have simulations of their own. A target is one of them if it has the name and the
    /// update request of the API. Addresses do not decide: several APIs have a path such as
    /// `/directory/v1`, and one API can have any address.
    ///
    /// # Errors
    /// If the text is not a target file.
    pub fn of(target: &str) -> Result<Simulation, toml::de::Error> {
        let api = Description::parse(target)?;
        Ok(match api.identity() {
            meitner::IDENTITY => Simulation::Meitner,
            pathwright::IDENTITY => Simulation::Pathwright,
            _ => Simulation::Described(Box::new(api)),
        })
    }

    /// Returns the path below which the sandbox serves the API.
    pub fn path(&self) -> &'static str {
        match self {
            Simulation::Meitner => meitner::PATH,
            Simulation::Pathwright => pathwright::PATH,
            Simulation::Described(_) => any::PATH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEITNER: &str = include_str!("../targets/meitner.toml");
    const PATHWRIGHT: &str = include_str!("../targets/pathwright.toml");

    fn path_of(text: &str) -> &'static str {
        Simulation::of(text).unwrap().path()
    }

    #[test]
    fn a_simulation_is_selected_by_the_target_and_not_by_its_address() {
        assert_eq!(path_of(MEITNER), "/directory/v1");
        assert_eq!(path_of(PATHWRIGHT), "/api/public");
        let with = |text: &str, from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        };
        // Another API at an address with the same end.
        let other = with(MEITNER, "name = \"meitner\"", "name = \"google\"");
        assert_eq!(path_of(&other), "/target");
        let other = with(MEITNER, "/student/{id}", "/users/{id}");
        assert_eq!(path_of(&other), "/target");
        // The same API at another address.
        let moved = with(MEITNER, "/directory/v1", "/proxy");
        assert_eq!(path_of(&moved), "/directory/v1");
        assert!(Simulation::of("name = 1").is_err());
    }
}
