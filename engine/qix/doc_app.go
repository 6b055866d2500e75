package qix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// docApp are the methods of an app as a whole: script, reload, saving,
// properties, connections.
var docApp = map[string]method{
	"GetScript":            on("", getScript),
	"GetScriptEx":          on("", getScriptEx),
	"SetScript":            on("qScript:s", func(c *call) error { return c.changing(func(a *app.App) { a.SetScript(c.str("qScript")) }) }),
	"GetEmptyScript":       on("qLocalizedMainSection:s", func(c *call) error { c.putString("qReturn", emptyScript); return nil }),
	"CheckScriptSyntax":    on("", func(c *call) error { c.putNode("qErrors", tree.NewArray()); return nil }),
	"DoReload":             on("qMode:i qPartial:b qDebug:b", doReload),
	"DoReloadEx":           on("qParams:o", doReloadEx),
	"DoSave":               on("qFileName:s", doSave),
	"SaveObjects":          on("", func(c *call) error { return c.s.SaveObjects() }),
	"GetAppLayout":         on("", getAppLayout),
	"GetAppProperties":     on("", func(c *call) error { return c.withApp(func(a *app.App) { c.putNode("qProp", a.Properties()) }) }),
	"SetAppProperties":     on("qProp:o", func(c *call) error { return c.changing(func(a *app.App) { a.SetProperties(c.arg("qProp")) }) }),
	"GetLocaleInfo":        on("", func(c *call) error { c.putNode("qReturn", localeInfo(c.s)); return nil }),
	"GetConnections":       on("", getConnections),
	"GetConnection":        on("qConnectionId:s", getConnection),
	"CreateConnection":     on("qConnection:o", createConnection),
	"ModifyConnection":     on("qConnectionId:s qConnection:o qOverrideCredentials:b", modifyConnection),
	"DeleteConnection":     on("qConnectionId:s", deleteConnection),
	"SetFetchLimit":        on("qLimit:i", func(*call) error { return nil }),
	"ClearUndoBuffer":      on("", func(*call) error { return nil }),
	"Undo":                 on("", func(c *call) error { c.putBool("qSuccess", false); return nil }),
	"Redo":                 on("", func(c *call) error { c.putBool("qSuccess", false); return nil }),
	"Resume":               on("", func(*call) error { return nil }),
	"GetMediaList":         on("", getMediaList),
	"GetTextMacros":        on("", func(c *call) error { c.putNode("qMacros", tree.NewArray()); return nil }),
	"GetLineage":           on("", func(c *call) error { c.putNode("qLineage", tree.NewArray()); return nil }),
	"GetContentLibraries":  on("", getContentLibraries),
	"GetLibraryContent":    on("qName:s", getLibraryContent),
	"GetScriptBreakpoints": on("", func(c *call) error { c.putNode("qBreakpoints", tree.NewArray()); return nil }),
	"SetScriptBreakpoints": on("qBreakpoints:a", func(*call) error { return nil }),
}

// emptyScript is the load script of a new app: the settings in force.
const emptyScript = "SET ThousandSep=',';\nSET DecimalSep='.';\nSET DateFormat='YYYY-MM-DD';\nSET TimestampFormat='YYYY-MM-DD hh:mm:ss[.fff]';\n"

func (c *call) withApp(f func(*app.App)) error {
	a, err := c.s.App()
	if err == nil {
		f(a)
	}
	return err
}

// changing is withApp for who may change the app.
func (c *call) changing(f func(*app.App)) error {
	a, err := c.s.Changing()
	if err == nil {
		f(a)
	}
	return err
}

func getScript(c *call) error {
	a, err := c.s.ReadingScript()
	if err == nil {
		c.putString("qScript", a.Script())
	}
	return err
}

func getScriptEx(c *call) error {
	a, err := c.s.ReadingScript()
	if err == nil {
		c.putNode("qScript", obj(text("qScript", a.Script()), node("qMeta", tree.NewObject()), flag("qIsLocked", false)))
	}
	return err
}

// doReload runs the script; a client that goes away cancels it.
func doReload(c *call) error {
	ok, err := c.s.Reload(c.ctx, c.bool("qPartial"))
	return c.done("qReturn", ok, err)
}

func doReloadEx(c *call) error {
	ok, err := c.s.Reload(c.ctx, c.arg("qParams").Get("qPartial").Truth())
	if err != nil {
		return err
	}
	c.putNode("qResult", obj(flag("qSuccess", ok), text("qScriptLogFile", "")))
	return nil
}

func doSave(c *call) error { return c.s.Save() }

func getMediaList(c *call) error {
	libraries, err := c.s.Libraries()
	if err != nil {
		return err
	}
	c.putNode("qList", session.Media(libraries...))
	c.putBool("qReturn", true)
	return nil
}

func getContentLibraries(c *call) error {
	libraries, err := c.s.Libraries()
	if err != nil {
		return err
	}
	items := make([]*tree.Node, len(libraries))
	for i, l := range libraries {
		items[i] = obj(text("qName", l.Name), flag("qAppSpecific", l.OfApp), node("qMeta", obj(text("modifiedDate", session.Instant(l.Modified)))))
	}
	c.putNode("qList", obj(node("qItems", tree.NewArray(items...))))
	return nil
}

func getLibraryContent(c *call) error {
	libraries, err := c.s.Libraries()
	if err != nil {
		return err
	}
	name := c.str("qName")
	at := slices.IndexFunc(libraries, func(l session.Library) bool { return strings.EqualFold(l.Name, name) })
	if at < 0 {
		return fmt.Errorf("%w: there is no content library %q", object.ErrNotFound, name)
	}
	c.putNode("qList", session.Media(libraries[at]))
	return nil
}

func getAppLayout(c *call) error {
	a, err := c.s.App()
	if err != nil {
		return err
	}
	standing, err := c.s.AppStanding()
	if err != nil {
		return err
	}
	props := a.Properties()
	modified, unsaved := a.Modified()
	layout := obj(
		text("qTitle", a.Title()), text("qFileName", a.ID), text("qLastReloadTime", session.Instant(a.Loaded())),
		flag("qModified", unsaved), flag("qHasScript", a.Script() != ""),
		node("qStateNames", tree.NewStrings(c.s.StateNames()...)),
		node("qMeta", appMeta(modified, standing).With("createdDate", tree.NewString(session.Instant(a.Created())))),
		node("qLocaleInfo", localeInfo(c.s)), flag("qHasData", len(c.s.Data().Model.Tables) > 0),
		flag("qReadOnly", false), flag("qIsOpenedWithoutData", false), flag("qIsSessionApp", a.Session),
		thumbnail(standing), flag("qIsDirectQueryMode", false), node("qUnsupportedFeatures", tree.NewArray()), text("qUsage", "ANALYTICS"))
	for i := range props.Len() { // members of the client's own
		if key := props.Key(i); !layout.Has(key) {
			layout = layout.With(key, props.Item(i))
		}
	}
	c.putNode("qLayout", layout)
	c.s.SetValid(c.ref)
	return nil
}

func localeInfo(s *session.Session) *tree.Node {
	l := s.Data().Locale
	return obj(
		text("qDecimalSep", l.DecimalSep), text("qThousandSep", l.ThousandSep), text("qListSep", ";"),
		text("qMoneyDecimalSep", l.MoneyDecimalSep), text("qMoneyThousandSep", l.MoneyThousandSep),
		integer("qCurrentYear", s.Now().Year()), text("qMoneyFmt", l.MoneyFormat), text("qTimeFmt", l.TimeFormat),
		text("qDateFmt", l.DateFormat), text("qTimestampFmt", l.TimestampFormat), node("qCalendarStrings", calendar(l)),
		integer("qFirstWeekDay", l.FirstWeekDay), flag("qBrokenWeeks", l.BrokenWeeks != 0), integer("qReferenceDay", l.ReferenceDay),
		integer("qFirstMonthOfYear", l.FirstMonthOfYear), text("qCollation", l.CollationLocale), text("qNumericalAbbreviation", l.NumericalAbbreviation))
}

func calendar(l *number.Locale) *tree.Node {
	return obj(node("qDayNames", tree.NewStrings(l.DayNames...)), node("qMonthNames", tree.NewStrings(l.MonthNames...)),
		node("qLongDayNames", tree.NewStrings(l.LongDayNames...)), node("qLongMonthNames", tree.NewStrings(l.LongMonthNames...)))
}

func connectionTree(k app.Connection) *tree.Node {
	return obj(text("qId", k.ID), text("qName", k.Name), text("qConnectionString", k.String), text("qType", k.Type), text("qUserName", k.User),
		text("qPassword", ""), text("qModifiedDate", session.Instant(k.Modified)), node("qMeta", obj(text("qName", ""))), text("qLogOn", "LOG_ON_SERVICE_USER"))
}

func connectionOf(n *tree.Node) app.Connection {
	return app.Connection{
		ID: n.Get("qId").Str(), Name: n.Get("qName").Str(), Type: n.Get("qType").Str(), String: n.Get("qConnectionString").Str(),
		User: n.Get("qUserName").Str(), Password: n.Get("qPassword").Str(),
	}
}

func getConnections(c *call) error {
	list, err := c.s.Connections()
	if err != nil {
		return err
	}
	items := make([]*tree.Node, len(list))
	for i, k := range list {
		items[i] = connectionTree(k)
	}
	c.putNode("qConnections", tree.NewArray(items...))
	return nil
}

func getConnection(c *call) error {
	list, err := c.s.Connections()
	if err != nil {
		return err
	}
	id := c.str("qConnectionId")
	i := slices.IndexFunc(list, func(k app.Connection) bool { return k.ID == id })
	if i < 0 {
		return fmt.Errorf("%w: %s", app.ErrConnection, id)
	}
	c.putNode("qConnection", connectionTree(list[i]))
	return nil
}

func createConnection(c *call) error {
	id, err := c.s.AddConnection(connectionOf(c.arg("qConnection")))
	if err != nil {
		return err
	}
	c.putString("qConnectionId", id)
	return nil
}

func modifyConnection(c *call) error {
	return c.s.SetConnection(c.str("qConnectionId"), connectionOf(c.arg("qConnection")))
}

func deleteConnection(c *call) error { return c.s.DeleteConnection(c.str("qConnectionId")) }
