package filter

import "strconv"

// Postgres is the dialect of PostgreSQL.
func Postgres() *Dialect {
	return &Dialect{
		Name:     "postgres",
		numbered: true,
		member:   func(json string, path []string) string { return "(" + json + " #>> " + arrayPath(path) + ")" },
		elements: func(json string, path []string) string {
			return "jsonb_array_elements(COALESCE(" + json + " #> " + arrayPath(path) + ", '[]'))"
		},
		element:   func(value string) string { return "(" + value + " #>> '{}')" },
		number:    func(value string) string { return "CAST(" + value + " AS numeric)" },
		numberArg: func(lit *literal) any { return lit.text },
		boolArg:   func(b bool) any { return strconv.FormatBool(b) },
		bytewise:  func(value string) string { return "(" + value + ` COLLATE "C")` },
		onceOpen:  "= ANY (ARRAY(",
		onceEnd:   "))",
		strings:   "SELECT unnest(CAST(? AS text[]))",
		stringsArg: func(list []string) any {
			return list
		},
	}
}
