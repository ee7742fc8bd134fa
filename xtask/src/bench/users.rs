//! The people of the benchmark. A person is a pure function of an index, so a
//! run can name any of a million users without remembering them.

use std::io::Write;

use super::random::Random;

/// Domain of every userName and work address.
const DOMAIN: &str = "tenant.example";

const FIRST: &[&str] = &[
    "Ada",
    "Aisha",
    "Alan",
    "Amara",
    "Anders",
    "Anita",
    "Barbara",
    "Beatriz",
    "Bjorn",
    "Camille",
    "Carlos",
    "Chidi",
    "Chloe",
    "Daniel",
    "Dara",
    "Deepak",
    "Edith",
    "Elena",
    "Emeka",
    "Erik",
    "Farah",
    "Felix",
    "Fiona",
    "Gabriel",
    "Grace",
    "Hana",
    "Hassan",
    "Helen",
    "Hiroshi",
    "Ines",
    "Ingrid",
    "Ivan",
    "Jack",
    "Jana",
    "Joao",
    "Julia",
    "Kai",
    "Karin",
    "Kenji",
    "Lars",
    "Laura",
    "Leila",
    "Liam",
    "Lucia",
    "Malik",
    "Maria",
    "Mateo",
    "Mei",
    "Mina",
    "Nadia",
    "Nikolai",
    "Noor",
    "Olga",
    "Omar",
    "Paolo",
    "Petra",
    "Priya",
    "Quentin",
    "Rafael",
    "Rosa",
    "Ruth",
    "Samir",
    "Sanna",
    "Sofia",
    "Stefan",
    "Tara",
    "Thomas",
    "Uma",
    "Valentina",
    "Victor",
    "Wei",
    "Yara",
    "Yusuf",
    "Zoe",
];

const LAST: &[&str] = &[
    "Abbott",
    "Abdullah",
    "Almeida",
    "Andersson",
    "Aoki",
    "Baptiste",
    "Becker",
    "Bergstrom",
    "Bianchi",
    "Castillo",
    "Chaudhry",
    "Chen",
    "Christensen",
    "Contreras",
    "Dahlberg",
    "Diallo",
    "Dimitrov",
    "Dubois",
    "Eriksen",
    "Esposito",
    "Farouk",
    "Fernandez",
    "Fischer",
    "Fitzgerald",
    "Fontaine",
    "Gallagher",
    "Gonzalez",
    "Haddad",
    "Hakimi",
    "Hernandez",
    "Hoffmann",
    "Horvat",
    "Ibrahim",
    "Ishikawa",
    "Ivanova",
    "Jansen",
    "Johansson",
    "Kaminski",
    "Kapoor",
    "Khalil",
    "Kowalczyk",
    "Kruger",
    "Lefebvre",
    "Lindqvist",
    "Lombardi",
    "MacDonald",
    "Marchetti",
    "Martinez",
    "Mbeki",
    "Mendoza",
    "Moreau",
    "Nakamura",
    "Nguyen",
    "Nielsen",
    "Novak",
    "Okafor",
    "Oliveira",
    "Ortega",
    "Papadopoulos",
    "Patel",
    "Petrov",
    "Quintero",
    "Rahman",
    "Ramirez",
    "Richter",
    "Rossi",
    "Sandoval",
    "Santoro",
    "Schneider",
    "Silva",
    "Sorensen",
    "Takahashi",
    "Tanaka",
    "Thompson",
    "Ueda",
    "Valdez",
    "Vandenberg",
    "Wagner",
    "Watanabe",
    "Weber",
    "Williamson",
    "Yamamoto",
    "Yilmaz",
    "Zhang",
    "Zimmermann",
];

const TITLES: &[&str] = &[
    "Accountant",
    "Analyst",
    "Account Manager",
    "Backend Engineer",
    "Controller",
    "Data Scientist",
    "Designer",
    "Field Technician",
    "Legal Counsel",
    "Nurse Practitioner",
    "Office Manager",
    "Product Manager",
    "Project Lead",
    "Recruiter",
    "Site Reliability Engineer",
    "Solutions Architect",
    "Support Specialist",
    "Team Lead",
    "Vice President",
    "Warehouse Supervisor",
];

/// Locality, region, country, locale and time zone that go together.
const PLACES: &[[&str; 5]] = &[
    ["Zürich", "ZH", "CH", "de-CH", "Europe/Zurich"],
    ["São Paulo", "SP", "BR", "pt-BR", "America/Sao_Paulo"],
    ["Kraków", "Małopolska", "PL", "pl-PL", "Europe/Warsaw"],
    ["Portland", "OR", "US", "en-US", "America/Los_Angeles"],
    ["Toronto", "ON", "CA", "en-CA", "America/Toronto"],
    [
        "Lyon",
        "Auvergne-Rhône-Alpes",
        "FR",
        "fr-FR",
        "Europe/Paris",
    ],
    ["Nagoya", "Aichi", "JP", "ja-JP", "Asia/Tokyo"],
    ["Pune", "Maharashtra", "IN", "en-IN", "Asia/Kolkata"],
    ["Lagos", "Lagos", "NG", "en-NG", "Africa/Lagos"],
    ["Bergen", "Vestland", "NO", "nb-NO", "Europe/Oslo"],
];

const STREETS: &[&str] = &[
    "Harbour Street",
    "Mill Lane",
    "Station Road",
    "Orchard Avenue",
    "Museum Square",
    "Canal Row",
];
const USER_TYPES: &[&str] = &["Employee", "Employee", "Employee", "Contractor", "Intern"];
const DIVISIONS: &[&str] = &["Europe", "Americas", "Asia Pacific", "Group Functions"];
const DEPARTMENTS: &[&str] = &[
    "Customer Support",
    "Engineering",
    "Facilities",
    "Finance",
    "Human Resources",
    "Legal",
    "Logistics",
    "Marketing",
    "Operations",
    "Research",
    "Sales",
    "Security",
];

/// One user of the benchmark.
pub(super) struct Person {
    index: u64,
    first: &'static str,
    last: &'static str,
    random: Random,
}

impl Person {
    /// The person at `index`; two indexes never share a userName or externalId.
    pub(super) fn at(index: u64) -> Self {
        let mut random = Random::seeded(index);
        let (first, last) = (random.pick(FIRST), random.pick(LAST));
        Self {
            index,
            first,
            last,
            random,
        }
    }

    /// `first.lastNNN@tenant.example`, also the work address.
    pub(super) fn user_name(&self) -> String {
        format!("{}{}@{DOMAIN}", self.mail_prefix(), self.index)
    }

    /// What all work addresses of people with this name begin with.
    pub(super) fn mail_prefix(&self) -> String {
        format!("{}.{}", self.first, self.last).to_ascii_lowercase()
    }

    /// A part from the middle of the work address that few others share.
    pub(super) fn mail_part(&self) -> String {
        format!("{}{}@", &self.last[1..], self.index).to_ascii_lowercase()
    }

    pub(super) fn display_name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    /// A part from the middle of the displayName, shared by all of one family name.
    pub(super) fn name_part(&self) -> &'static str {
        &self.last[1..]
    }

    /// The identifier that a personnel system would use.
    pub(super) fn external_id(&self) -> String {
        format!(
            "hr-{:08x}-{}",
            (self.index as u32).wrapping_mul(0x9E37_79B1),
            self.index
        )
    }

    /// Appends the SCIM User of about 1.2 KB, on one line without its end.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        let mut random = self.random.clone();
        let Self {
            index, first, last, ..
        } = self;
        let [locality, region, country, locale, timezone] = random.pick(PLACES);
        let middle = random.pick(FIRST);
        let nick = if random.below(3) == 0 {
            format!(r#""nickName":"{}","#, &first[..first.len().min(3)])
        } else {
            String::new()
        };
        // Writing to a `Vec` cannot fail.
        let _ = write!(
            out,
            concat!(
                r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","#,
                r#""urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"#,
                r#""userName":"{user}","externalId":"{external}","#,
                r#""name":{{"formatted":"{first} {middle} {last}","familyName":"{last}","#,
                r#""givenName":"{first}","middleName":"{middle}"}},"#,
                r#""displayName":"{first} {last}",{nick}"title":"{title}","userType":"{kind}","#,
                r#""profileUrl":"https://people.tenant.example/profiles/{index}","#,
                r#""preferredLanguage":"{locale}","locale":"{locale}","timezone":"{zone}","#,
                r#""active":{active},"#,
                r#""emails":[{{"value":"{user}","type":"work","primary":true}},"#,
                r#"{{"value":"{home}{index}@home.example","type":"home"}}],"#,
                r#""phoneNumbers":[{{"value":"+1-555-{area:03}-{line:04}","type":"work"}},"#,
                r#"{{"value":"+1-555-{cell:07}","type":"mobile"}}],"#,
                r#""addresses":[{{"type":"work","formatted":"{house} {street}, {code:05} {locality}","#,
                r#""streetAddress":"{house} {street}","locality":"{locality}","region":"{region}","#,
                r#""postalCode":"{code:05}","country":"{country}","primary":true}}],"#,
                r#""urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"#,
                r#""employeeNumber":"{employee:08}","costCenter":"CC-{cost:04}","#,
                r#""organization":"Tenant Example Limited","division":"{division}","#,
                r#""department":"{department}"}}}}"#,
            ),
            user = self.user_name(),
            external = self.external_id(),
            first = first,
            middle = middle,
            last = last,
            nick = nick,
            title = random.pick(TITLES),
            kind = random.pick(USER_TYPES),
            locale = locale,
            zone = timezone,
            active = random.below(20) != 0,
            home = first.to_ascii_lowercase(),
            index = index,
            area = random.below(1_000),
            line = random.below(10_000),
            cell = random.below(10_000_000),
            house = 1 + random.below(240),
            street = random.pick(STREETS),
            code = random.below(100_000),
            locality = locality,
            region = region,
            country = country,
            employee = index,
            cost = random.below(400),
            division = random.pick(DIVISIONS),
            department = random.pick(DEPARTMENTS),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn json(index: u64) -> serde_json::Value {
        let mut line = Vec::new();
        Person::at(index).write_json(&mut line);
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn the_same_index_is_the_same_person() {
        assert_eq!(json(7), json(7));
        assert_ne!(json(7), json(8));
    }

    #[test]
    fn users_have_the_promised_size_and_parts() {
        let mut bytes = Vec::new();
        for index in 0..1_000 {
            Person::at(index).write_json(&mut bytes);
            let (user, person) = (json(index), Person::at(index));
            assert_eq!(user["userName"], person.user_name());
            assert_eq!(user["externalId"], person.external_id());
            assert_eq!(user["emails"].as_array().unwrap().len(), 2);
            let mail = user["emails"][0]["value"].as_str().unwrap();
            assert!(mail.starts_with(&person.mail_prefix()), "{mail}");
            assert!(mail.contains(&person.mail_part()), "{mail}");
            assert!(
                user["displayName"]
                    .as_str()
                    .unwrap()
                    .contains(person.name_part())
            );
        }
        let mean = bytes.len() / 1_000;
        assert!((1_150..1_350).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn names_are_unique() {
        let people = || (0..20_000).map(Person::at);
        assert_eq!(
            people()
                .map(|p| p.user_name())
                .collect::<HashSet<_>>()
                .len(),
            20_000
        );
        assert_eq!(
            people()
                .map(|p| p.external_id())
                .collect::<HashSet<_>>()
                .len(),
            20_000
        );
    }
}
