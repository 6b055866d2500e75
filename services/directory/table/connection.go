package table

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// keys are the keys of connection strings that are heeded, by what they mean.
var keys = map[string]string{
	"driver": "driver", "server": "host", "servername": "host", "host": "host", "port": "port", "database": "database", "dbname": "database",
	"uid": "user", "user": "user", "username": "user", "user id": "user", "pwd": "password", "password": "password", "sslmode": "sslmode",
}

// modes are how a connection may be protected.
var modes = []string{"disable", "prefer", "require", "verify-ca", "verify-full"}

// errOnly says what is possible.
var errOnly = errors.New("of databases PostgreSQL can be read, and nothing else: want Driver={PostgreSQL};Server=…;Port=5432;Database=…;Uid=…;Pwd=…, or a view of the tables there")

// parseConnection reads a connection string:
//
//	Driver={PostgreSQL Unicode};Server=db;Port=5432;Database=people;Uid=u;Pwd={p;w};sslmode=require
//
// or postgres://user:password@host/database. It leads to a server by TCP: whose
// files or sockets this process may open is not for others to use.
func parseConnection(text string) (*pgx.ConnConfig, error) {
	if rest, is := strings.CutPrefix(strings.TrimSpace(text), "postgresql://"); is {
		text = "postgres://" + rest
	}
	var by map[string]string
	var err error
	if strings.HasPrefix(strings.TrimSpace(text), "postgres://") {
		by, err = splitURL(strings.TrimSpace(text))
	} else {
		by, err = split(text)
	}
	if err != nil {
		return nil, err
	}
	if driver := by["driver"]; driver != "" && !strings.Contains(strings.ToLower(driver), "postgres") {
		return nil, fmt.Errorf("driver %.60q: %w", driver, errOnly)
	}
	return open(by)
}

// open makes the configuration of a connection, without what the environment
// and files say.
func open(by map[string]string) (*pgx.ConnConfig, error) {
	host, mode := by["host"], cmp.Or(strings.ToLower(by["sslmode"]), "prefer")
	if host == "" || strings.ContainsAny(host, `/\@,`) {
		return nil, fmt.Errorf("server %.60q is no host: %w", host, errOnly)
	}
	if by["user"] == "" || by["database"] == "" {
		return nil, errors.New("it needs a user (Uid) and a database (Database)")
	}
	port, err := strconv.ParseUint(cmp.Or(by["port"], "5432"), 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("port %.20q is no number from 1 to 65535", by["port"])
	}
	known := false
	for _, m := range modes {
		known = known || m == mode
	}
	if !known {
		return nil, fmt.Errorf("sslmode %.20q is none of %s", mode, strings.Join(modes, ", "))
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(by["user"], cmp.Or(by["password"], "-")), Host: net.JoinHostPort(host, strconv.FormatUint(port, 10)), Path: "/" + by["database"],
		RawQuery: url.Values{"sslmode": {mode}, "application_name": {"cognate"}, "target_session_attrs": {"any"}}.Encode(),
	}
	c, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, errors.New("it cannot be read") // the error has the password in it
	}
	c.Password = by["password"]
	c.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		f := pgproto3.NewFrontend(r, w)
		f.SetMaxBodyLen(messageMax)
		return f
	}
	return c, nil
}

// messageMax is how many bytes a message of the server may have; a row has three
// values of at most 1024 characters.
const messageMax = 1 << 20

// splitURL reads the form of an address.
func splitURL(text string) (map[string]string, error) {
	address, more, _ := strings.Cut(text, ";")
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	by, err := split(more)
	if err != nil {
		return nil, err
	}
	for key, value := range map[string]string{
		"host": u.Hostname(), "port": u.Port(), "user": u.User.Username(), "database": strings.Trim(u.Path, "/"), "sslmode": u.Query().Get("sslmode"),
	} {
		if value != "" {
			by[key] = value
		}
	}
	if p, there := u.User.Password(); there {
		by["password"] = p
	}
	return by, nil
}

// split reads key=value pairs with semicolons; braces keep a value together, and
// }} is a brace in them.
func split(text string) (map[string]string, error) {
	by := map[string]string{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		if rest[0] == ';' {
			rest = rest[1:]
			continue
		}
		key, after, found := strings.Cut(rest, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !found || strings.Contains(key, ";") {
			return nil, errors.New("want key=value pairs with semicolons between them")
		}
		value, left, err := valueOf(strings.TrimLeft(after, " \t"))
		if err != nil {
			return nil, fmt.Errorf("%.40q: %w", key, err)
		}
		rest = left
		meaning, known := keys[key]
		if key == "dsn" || key == "filedsn" {
			return nil, fmt.Errorf("there are no data source names here: %w", errOnly)
		}
		if known { // else it is for a driver
			by[meaning] = value
		}
	}
	return by, nil
}

// valueOf returns a value and what is left behind it.
func valueOf(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, "{") {
		value, rest, _ = strings.Cut(s, ";")
		return strings.TrimSpace(value), rest, nil
	}
	var b strings.Builder
	for s = s[1:]; ; {
		part, after, found := strings.Cut(s, "}")
		if !found {
			return "", "", errors.New("a brace is not closed")
		}
		b.WriteString(part)
		if !strings.HasPrefix(after, "}") {
			_, rest, _ = strings.Cut(after, ";")
			return b.String(), rest, nil
		}
		b.WriteByte('}')
		s = after[1:]
	}
}
