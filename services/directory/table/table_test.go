package table

import (
	"context"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cognate-bi/cognate/services/directory"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// database makes the tables of a directory and returns the settings that lead to
// them. The server of tests has a socket alone, so a listener passes on to it.
func database(t *testing.T, sql string) map[string]string {
	t.Helper()
	dsn := storetest.Config(t, store.Postgres).DSN
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go forward(l, conn.Config().Host+"/.s.PGSQL.5432")
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"User directory name": "TABLES", "Users table": "people", "Attributes table": `public."The Attributes"`,
		"Connection string part 1": "Driver={PostgreSQL Unicode};Server=127.0.0.1;Port=" + port + ";Database=" + conn.Config().Database, "Connection string part 2 (secret)": "Uid=postgres;Pwd={a;}}b}",
	}
}

func forward(l net.Listener, socket string) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			to, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer to.Close()
			go func() { _, _ = io.Copy(to, from) }()
			_, _ = io.Copy(from, to)
		}()
	}
}

const tables = `
CREATE TABLE people (userid text, name text, more int);
INSERT INTO people VALUES ('JoD', 'John Doe', 1), ('jod', 'Another', 2), ('ann', NULL, 3), (' ', 'Nobody', 4), ('a\b', 'Bad', 5), (repeat('x', 300), 'Long', 6);
CREATE TABLE "The Attributes" (userid varchar, type varchar, value varchar);
INSERT INTO "The Attributes" VALUES ('JOD', 'email', 'jod@example.com'), ('jod', 'group', 'Sales'), ('jod', 'Group', 'Sales'), ('ann', 'group', repeat('y', 300)), ('ann', 'group', NULL), ('none', 'group', 'x');`

func kind() *directory.Type { return Types()[0] }

func values(by map[string]string) directory.Values {
	return kind().Values(func(set func(name, value string)) {
		for name, value := range by {
			set(name, value)
		}
	})
}

func told(p *directory.People) (lines []string) {
	for _, one := range p.List {
		line := one.ID + " (" + one.Name + ")"
		for _, a := range one.Attributes {
			line += " " + a.Type + "=" + a.Value
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func TestRead(t *testing.T) {
	with := database(t, tables)
	for why, tt := range map[string]struct {
		change map[string]string
		ids    []string
		want   []string
	}{
		"everybody":     {nil, nil, []string{"JoD (John Doe) email=jod@example.com Group=Sales", "ann (ann)"}},
		"one":           {nil, []string{"ANN"}, []string{"ann (ann)"}},
		"no attributes": {map[string]string{"Attributes table": ""}, nil, []string{"JoD (John Doe)", "ann (ann)"}},
		"nobody of us":  {nil, []string{"x' OR true"}, nil},
	} {
		t.Run(why, func(t *testing.T) {
			by := maps.Clone(with)
			maps.Copy(by, tt.change)
			got, err := kind().Read(t.Context(), values(by), directory.Query{IDs: tt.ids})
			if err != nil {
				t.Fatal(err)
			}
			if have := told(got); !slices.Equal(have, tt.want) || got.Nobody {
				t.Errorf("got %q, want %q; %v", have, tt.want, got.Nobody)
			}
			if tt.ids == nil && tt.change == nil && got.LeftOut != 5 {
				t.Errorf("left out: %q", got.Warnings)
			}
		})
	}
	t.Run("errors", func(t *testing.T) {
		for change, want := range map[string]string{"Users table": "missing", "Attributes table": "people"} {
			by := maps.Clone(with)
			by[change] = want
			got, err := kind().Read(t.Context(), values(by), directory.Query{})
			if err == nil || got != nil || !strings.Contains(err.Error(), "column") || strings.Contains(err.Error(), "a;}b") {
				t.Errorf("%s = %s: %v, %v", change, want, got, err)
			}
		}
	})
	t.Run("nobody", func(t *testing.T) {
		with := database(t, "CREATE TABLE people (userid text, name text)")
		with["Attributes table"] = ""
		for _, ids := range [][]string{nil, {"ann"}} {
			if got, err := kind().Read(t.Context(), values(with), directory.Query{IDs: ids}); err != nil || !got.Nobody {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
}

func TestTableName(t *testing.T) {
	for text, want := range map[string]string{
		"Users": `"users"`, "public.Users": `"public"."users"`, `public."The ""Users"""`: `"public"."The ""Users"""`, `"a.b"`: `"a.b"`, `a.b.c`: `"a"."b"."c"`,
		"": "", "a;drop table b": "", `"a`: "", "a.": "", "a..b": "", "a.b.c.d": "", `"a""`: "", "1a": "", `a"b"`: "", "a b": "", `""`: "", "[Users$]": "",
	} {
		if got, err := tableName(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestConnection(t *testing.T) {
	t.Setenv("PGPASSWORD", "of the environment")
	t.Setenv("PGHOST", "/tmp")
	for text, want := range map[string]string{
		"Driver={PostgreSQL Unicode(x64)};SERVER=db;Port=5433;Database=people;Uid=u;Pwd={p;}}w}": "u:p;}w@db:5433/people",
		"host=db; dbname = people ;user id=u;;":                                                  "u:@db:5432/people",
		"postgres://u:p%40@db/people":                                                            "u:p@@db:5432/people",
		"postgresql://db/people;Uid=u;Pwd=p":                                                     "u:p@db:5432/people",
		"Server=2001:db8::1;Database=d;Uid=u":                                                    "u:@2001:db8::1:5432/d",
	} {
		c, err := parseConnection(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.User + ":" + c.Password + "@" + c.Host + ":" + port(c) + "/" + c.Database; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"Driver={SQL Server};Server=x;Database=d;Uid=u;Pwd=geheim": "PostgreSQL can be read, and nothing else",
		"dsn=People;Pwd=geheim":                     "no data source names",
		"Server=/tmp;Database=d;Uid=u;Pwd=geheim":   "is no host",
		"Server=@a;Database=d;Uid=u":                "is no host",
		"Server=a,b;Database=d;Uid=u":               "is no host",
		"Server=x;Uid=u;Pwd=geheim":                 "needs a user",
		"Server=x;Database=d;Uid=u;Port=0":          "port",
		"Server=x;Database=d;Uid=u;sslmode=maybe":   "sslmode",
		"Server={x;Pwd=geheim":                      "brace",
		"nonsense":                                  "key=value",
		"":                                          "is no host",
		"postgres://u:geheim@/d":                    "is no host",
		"postgres://u:ge%zzheim@x/d":                "cannot be read",
		"Server=x;Database=d;Uid=u;Pwd=geheim;a;=b": "key=value",
	} {
		if _, err := parseConnection(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "heim") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func port(c *pgx.ConnConfig) string { return strconv.Itoa(int(c.Port)) }

// A connection string leads to a host, or to an error: never to a file.
func FuzzConnection(f *testing.F) {
	for _, seed := range []string{
		"Driver={PostgreSQL};Server=db;Port=5433;Database=people;Uid=u;Pwd={p;}}w}", "postgres://u:p@db/people?sslmode=require", "dsn=x", "host=/tmp;dbname=d;user=u", "{", "a={b}};c=d", ";;=;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConnection(text)
		if err != nil {
			if c != nil {
				t.Fatal("a configuration beside an error")
			}
			return
		}
		hosts := []string{c.Host}
		for _, other := range c.Fallbacks {
			hosts = append(hosts, other.Host)
		}
		for _, h := range hosts {
			if h == "" || strings.ContainsAny(h, `/\`) || strings.HasPrefix(h, "@") {
				t.Fatalf("%q leads to %q", text, h)
			}
		}
		if c.User == "" || c.Database == "" {
			t.Fatalf("%q has no user or database", text)
		}
	})
}

func TestCheck(t *testing.T) {
	good := map[string]string{"User directory name": "T", "User table name": "people", "Visible connection string": "Server=db;Database=d", "Encrypted connection string": "Uid=u;Pwd=p"}
	if name, err := kind().Check(values(good)); err != nil || name != "T" {
		t.Errorf("%q, %v", name, err)
	}
	for setting, want := range map[string]string{"User directory name": "is empty", "User table name": "Users table: is empty", "Visible connection string": "connection string"} {
		by := maps.Clone(good)
		delete(by, setting)
		if _, err := kind().Check(values(by)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", setting, err)
		}
	}
}
