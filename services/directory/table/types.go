// Package table reads people from two tables of a database: one of users, with
// the columns userid and name, and one of their attributes, with userid, type
// and value. Other products reach any database by ODBC here; this one reads
// PostgreSQL, and says so.
package table

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cognate-bi/cognate/services/directory"
)

// Names of settings.
const (
	users      = "Users table"
	attributes = "Attributes table"
	visible    = "Connection string part 1"
	hidden     = "Connection string part 2 (secret)"
)

// Types returns the kinds of directories in tables.
func Types() (list []*directory.Type) {
	const prefix = "Repository.UserDirectoryConnectors.ODBC."
	for _, kind := range [][2]string{{"ODBC", "ODBC"}, {"OdbcSql", "SQL (via ODBC)"}} {
		t := &directory.Type{ID: prefix + kind[0], Name: kind[1], Read: readPeople}
		t.Settings = []directory.Setting{
			{Name: directory.DirectoryName, Category: connection},
			{Name: users, Also: []string{"Users table name", "User table name"}, Category: connection, Example: "users"},
			{Name: attributes, Also: []string{"Attributes table name"}, Category: connection, Example: "attributes"},
			{Name: visible, Also: []string{"Visible connection string"}, Category: connection, Leads: true, Example: "Driver={PostgreSQL};Server=localhost;Port=5432;Database=people"},
			{Name: hidden, Also: []string{"Encrypted connection string"}, Category: connection, Secret: true},
			{Name: directory.Timeout, Also: []string{"Synchronization timeout (seconds)"}, Category: connection, Kind: directory.Whole, Default: "240"},
		}
		t.Check = func(v directory.Values) (string, error) {
			_, err := read(v)
			return v.Text(directory.DirectoryName), err
		}
		list = append(list, t)
	}
	return list
}

const connection = "Connection"

// A config is the settings of a directory, checked.
type config struct {
	users, attributes string // as SQL has them; attributes "" = none
	database          *pgx.ConnConfig
}

func read(v directory.Values) (*config, error) {
	if err := directory.CheckName(v.Text(directory.DirectoryName)); err != nil {
		return nil, err
	}
	if _, err := v.Timeout(); err != nil {
		return nil, err
	}
	c := &config{}
	var err error
	if c.users, err = tableName(v.Text(users)); err != nil {
		return nil, fmt.Errorf("%s: %w", users, err)
	}
	if text := v.Text(attributes); text != "" {
		if c.attributes, err = tableName(text); err != nil {
			return nil, fmt.Errorf("%s: %w", attributes, err)
		}
	}
	parts := strings.TrimSuffix(v.Text(visible), ";") + ";" + v.Text(hidden)
	if c.database, err = parseConnection(parts); err != nil {
		return nil, fmt.Errorf("connection string: %w", err)
	}
	return c, nil
}

// namePart is one part of the name of a table: as it is, or in double quotes.
var namePart = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_$]*)|"((?:[^"\x00]|"")+)")(?:\.|$)`)

// tableName reads table, schema.table, or one of them in double quotes, and
// returns it quoted. Without quotes, capital letters are small ones.
func tableName(text string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("is empty")
	}
	var name pgx.Identifier
	for rest := text; rest != ""; {
		m := namePart.FindStringSubmatch(rest)
		if m == nil || len(name) == 3 || strings.HasSuffix(rest, ".") && len(m[0]) == len(rest) {
			return "", fmt.Errorf(`%.100q is no name of a table: want table, schema.table or "Table"`, text)
		}
		part := strings.ToLower(m[1])
		if m[1] == "" {
			part = strings.ReplaceAll(m[2], `""`, `"`)
		}
		name, rest = append(name, part), rest[len(m[0]):]
	}
	return name.Sanitize(), nil
}
