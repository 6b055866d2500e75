package fn

import (
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

var systemFuncs = []Func{
	about("OSUser", (*Context).user),
	about("QVUser", (*Context).user),
	about("DocumentName", func(c *Context) string { return c.AppID }),
	about("DocumentPath", func(c *Context) string { return c.AppID }),
	about("DocumentTitle", func(c *Context) string { return orElse(c.AppTitle, c.AppName) }),
	about("Author", func(c *Context) string { return c.Author }),
	about("ComputerName", func(c *Context) string { return c.ComputerName }),
	about("EngineVersion", func(c *Context) string { return c.EngineVersion }),
	about("ProductVersion", func(c *Context) string { return c.EngineVersion }),
	about("QlikViewVersion", func(c *Context) string { return c.EngineVersion }),
	about("ClientPlatform", func(*Context) string { return "" }),
	about("GetCollationLocale", func(c *Context) string { return c.Locale.CollationLocale }),
	{Name: "IsPartialReload", Eval: func(c *Context, _ []dual.Value) dual.Value { return dual.Bool(c.PartialReload) }},
	{Name: "GeoMakePoint", Min: 2, Max: 2, Eval: strict(geoMakePoint)},
}

func (c *Context) user() string {
	if c.OnUser != nil {
		c.OnUser()
	}
	return c.User
}

// about is a function without arguments that tells a fact of the session.
func about(name string, f func(*Context) string) Func {
	return Func{Name: name, Eval: func(c *Context, _ []dual.Value) dual.Value { return dual.String(f(c)) }}
}

// geoMakePoint is GeoMakePoint(latitude, longitude): the text [lon,lat].
func geoMakePoint(c *Context, args []dual.Value) dual.Value {
	lat, lon := dual.Number(c.num(args[0])), dual.Number(c.num(args[1]))
	if lat.IsNull() || lon.IsNull() {
		return dual.Value{}
	}
	point := func(v dual.Value) string { return strings.Replace(c.text(v), c.Locale.DecimalSep, ".", 1) }
	return dual.String("[" + point(lon) + "," + point(lat) + "]")
}
