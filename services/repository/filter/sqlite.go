package filter

import "encoding/json"

// SQLite is the dialect of SQLite.
func SQLite() *Dialect {
	return &Dialect{
		Name:      "sqlite",
		member:    func(json string, path []string) string { return "json_extract(" + json + ", " + jsonPath(path) + ")" },
		elements:  func(json string, path []string) string { return "json_each(" + json + ", " + jsonPath(path) + ")" },
		element:   same,
		number:    same,
		numberArg: func(lit *literal) any { return lit.number },
		boolArg:   func(b bool) any { return b },
		bytewise:  same,
		onceOpen:  "IN (",
		onceEnd:   ")",
		strings:   "SELECT value FROM json_each(?)",
		stringsArg: func(list []string) any {
			text, err := json.Marshal(list)
			if err != nil {
				panic("filter: BUG: a list of texts is no JSON: " + err.Error())
			}
			return string(text)
		},
	}
}
