package qix

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// Versions that clients ask for. The component version says which version of
// the protocol is spoken.
const (
	componentVersion = "12.2027.0"
	productVersion   = "0.1.0"
)

var globalMethods = map[string]method{
	"AbortAll":      now("", func(c *call) error { c.conn.cancel(nil); return nil }),
	"AbortRequest":  now("qRequestId:i", func(c *call) error { c.conn.cancel(c.arg("qRequestId")); return nil }),
	"CancelRequest": now("qRequestId:i", func(c *call) error { c.conn.cancel(c.arg("qRequestId")); return nil }),
	"CancelReload":  now("qReason:s", func(c *call) error { c.conn.cancel(nil); return nil }),
	"GetProgress":   now("qRequestId:i", getProgress),

	"AllowCreateApp":   on("", func(c *call) error { c.putBool("qReturn", c.s.Library().Options().Dir != ""); return nil }),
	"ConfigureReload":  on("qCancelOnScriptError:b qUseErrorData:b qInteractOnError:b", func(*call) error { return nil }),
	"CreateApp":        on("qAppName:s qLocalizedScriptMainSection:s qLocale:s", createApp),
	"CreateDocEx":      on("qDocName:s qUserName:s qPassword:s qSerial:s qLocalizedScriptMainSection:s", createDocEx),
	"CreateSessionApp": on("", createSessionApp),
	"DeleteApp":        on("qAppId:s", deleteApp),
	"EngineVersion": on("", func(c *call) error {
		c.putNode("qVersion", obj(text("qComponentVersion", componentVersion)))
		return nil
	}),
	"GetActiveDoc":         on("", getActiveDoc),
	"GetAppEntry":          on("qAppID:s", getAppEntry),
	"GetAuthenticatedUser": on("", func(c *call) error { c.putString("qReturn", c.s.User); return nil }),
	"GetBaseBNF":           on("qBnfType:x", getBNF),
	"GetBaseBNFHash":       on("qBnfType:x", func(c *call) error { c.putString("qBnfHash", bnfHash); return nil }),
	"GetBaseBNFString":     on("qBnfType:x", func(c *call) error { c.putString("qBnfStr", ""); c.putString("qBnfHash", bnfHash); return nil }),
	"GetConfiguration":     on("", func(c *call) error { c.putNode("qConfig", tree.NewObject()); return nil }),
	"GetCustomConnectors":  on("qReloadList:b", func(c *call) error { c.putNode("qConnectors", tree.NewArray()); return nil }),
	"GetDefaultAppFolder":  on("", func(c *call) error { c.putString("qPath", ""); return nil }),
	"GetDocList":           on("", getDocList),
	"GetFunctions":         on("qGroup:x", func(c *call) error { c.putNode("qFunctions", tree.NewArray()); return nil }),
	"GetInteract":          on("qRequestId:i", getInteract),
	"GetStreamList":        on("", func(c *call) error { c.putNode("qStreamList", tree.NewArray()); return nil }),
	"GetUniqueID":          on("", func(c *call) error { c.putString("qUniqueID", app.NewID()); return nil }),
	"InteractDone":         on("qRequestId:i qDef:o", func(*call) error { return nil }),
	"IsDesktopMode":        on("", func(c *call) error { c.putBool("qReturn", false); return nil }),
	"IsPersonalMode":       on("", func(c *call) error { c.putBool("qReturn", false); return nil }),
	"OSName":               on("", func(c *call) error { c.putString("qReturn", runtime.GOOS); return nil }),
	"OSVersion":            on("", func(c *call) error { c.putString("qReturn", runtime.GOOS+" "+runtime.GOARCH); return nil }),
	"OpenDoc":              on("qDocName:s qUserName:s qPassword:s qSerial:s qNoData:b", openDoc),
	"ProductVersion":       on("", func(c *call) error { c.putString("qReturn", productVersion); return nil }),
	"QTProduct":            on("", func(c *call) error { c.putString("qReturn", "Cognate"); return nil }),
	"QvVersion":            on("", func(c *call) error { c.putString("qReturn", productVersion); return nil }),
}

// bnfHash names the (empty) grammar that clients may cache.
const bnfHash = "0"

func getBNF(c *call) error {
	c.putNode("qBnfDefs", tree.NewArray())
	c.putString("qBnfHash", bnfHash)
	return nil
}

func getInteract(c *call) error {
	c.putNode("qDef", tree.NewObject())
	c.putBool("qReturn", false)
	return nil
}

func openDoc(c *call) error {
	ref, err := c.s.OpenDoc(c.str("qDocName"))
	if err != nil {
		return fmt.Errorf("open %s: %w", c.str("qDocName"), err)
	}
	c.putRef("qReturn", ref)
	return nil
}

func getActiveDoc(c *call) error {
	ref, err := c.s.ActiveDoc()
	if err != nil {
		return err
	}
	c.putRef("qReturn", ref)
	return nil
}

func createApp(c *call) error {
	name := strings.TrimSpace(c.str("qAppName"))
	if name == "" {
		return &Error{codeInvalid, "qAppName", "Invalid parameters"}
	}
	id, err := c.s.CreateApp(name)
	if err != nil {
		return err
	}
	c.putBool("qSuccess", true)
	c.putString("qAppId", id)
	return nil
}

func createDocEx(c *call) error {
	id, err := c.s.CreateApp(c.str("qDocName"))
	if err != nil {
		return err
	}
	ref, err := c.s.OpenDoc(id)
	if err != nil {
		return err
	}
	c.putString("qDocId", id)
	c.putRef("qReturn", ref)
	return nil
}

func createSessionApp(c *call) error {
	ref, err := c.s.CreateSessionApp("")
	if err != nil {
		return err
	}
	c.putString("qSessionAppId", ref.ID)
	c.putRef("qReturn", ref)
	return nil
}

func deleteApp(c *call) error {
	err := c.s.DeleteApp(c.str("qAppId"))
	return c.done("qSuccess", true, err)
}

func getDocList(c *call) error {
	entries, err := c.s.Apps()
	if err != nil {
		return err
	}
	items := make([]*tree.Node, len(entries))
	for i, e := range entries {
		items[i] = obj(
			text("qDocName", e.Title), integer("qConnectedUsers", e.ConnectedUsers),
			float("qFileTime", session.Serial(e.Modified)), float("qFileSize", float64(e.SizeBytes)),
			text("qDocId", e.ID), node("qMeta", appMeta(e.Modified, e.Standing)), text("qLastReloadTime", session.Instant(e.Loaded)),
			text("qTitle", e.Title), thumbnail(e.Standing))
	}
	c.putNode("qDocList", tree.NewArray(items...))
	return nil
}

func appMeta(modified time.Time, st session.AppStanding) *tree.Node {
	meta := obj(text("modifiedDate", session.Instant(modified)), flag("published", !st.Published.IsZero()), node("privileges", tree.NewStrings(st.Privileges...)))
	if !st.Published.IsZero() {
		meta = meta.With("publishTime", tree.NewString(session.Instant(st.Published))).With("stream", obj(text("id", st.StreamID), text("name", st.Stream)))
	}
	return meta
}

func thumbnail(st session.AppStanding) tree.Member {
	if st.Thumbnail == "" {
		return node("qThumbnail", tree.NewObject())
	}
	return node("qThumbnail", obj(text("qUrl", st.Thumbnail)))
}

func getAppEntry(c *call) error {
	e, err := c.s.AppEntry(c.str("qAppID"))
	if err != nil {
		return err
	}
	c.putNode("qEntry", obj(text("qID", e.ID), text("qTitle", e.Title), text("qPath", e.ID), text("qLastReloadTime", session.Instant(e.Loaded)),
		flag("qReadOnly", false), node("qMeta", appMeta(e.Modified, e.Standing)), thumbnail(e.Standing), float("qFileSize", float64(e.SizeBytes))))
	return nil
}

// getProgress answers how far the session's reload is. After its end it still
// tells the errors.
func getProgress(c *call) error {
	p := c.s.Progress()
	errs := make([]*tree.Node, len(p.Errors))
	for i, e := range p.Errors {
		errs[i] = obj(text("qErrorString", e.Message), text("qLineEnd", ""), text("qLine", e.Statement),
			text("qErrorDataCode", "EDC_ERROR"), node("qMessage", message(0, e.Message)))
	}
	lines := make([]*tree.Node, len(p.Lines))
	for i, l := range p.Lines {
		lines[i] = message(7, l)
	}
	c.putNode("qProgressData", obj(
		flag("qStarted", p.Started && !p.Finished), flag("qFinished", !p.Started || p.Finished),
		integer("qCompleted", 0), integer("qTotal", 0), integer("qKB", 0), integer("qMillisecs", int(p.Took.Milliseconds())),
		flag("qUserInteractionWanted", false),
		text("qPersistentProgress", strings.Join(p.Lines, "\n")), text("qTransientProgress", p.Current),
		node("qErrorData", tree.NewArray(errs...)), node("qPersistentProgressMessages", tree.NewArray(lines...)),
		node("qTransientProgressMessage", message(0, p.Current))))
	return nil
}

func message(code int, parameters ...string) *tree.Node {
	return obj(integer("qMessageCode", code), node("qMessageParameters", tree.NewStrings(parameters...)))
}
