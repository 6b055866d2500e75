package qix

import (
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// docItems are the methods that create, get, copy and destroy items.
var docItems = map[string]method{
	"CreateObject":          on("qProp:o", create(object.Generic)),
	"CreateDimension":       on("qProp:o", create(object.Dimension)),
	"CreateMeasure":         on("qProp:o", create(object.Measure)),
	"CreateVariableEx":      on("qProp:o", create(object.Variable)),
	"CreateBookmark":        on("qProp:o", createBookmark),
	"CreateBookmarkEx":      on("qProp:o qObjectIdsToPatch:a", createBookmark),
	"CreateSessionObject":   on("qProp:o", createSession(object.Generic)),
	"CreateSessionVariable": on("qProp:o", createSession(object.Variable)),
	"CreateVariable":        on("qName:s", createVariable),

	"GetObject":         on("qId:s", get(object.Generic)),
	"GetDimension":      on("qId:s", get(object.Dimension)),
	"GetMeasure":        on("qId:s", get(object.Measure)),
	"GetBookmark":       on("qId:s", get(object.Bookmark)),
	"GetVariableById":   on("qId:s", get(object.Variable)),
	"GetVariableByName": on("qName:s", func(c *call) error { c.putRef("qReturn", c.s.OpenVariable(c.str("qName"), false)); return nil }),
	"GetVariable":       on("qName:s", func(c *call) error { c.putRef("qReturn", c.s.OpenVariable(c.str("qName"), true)); return nil }),
	"GetOrCreateObject": on("qProp:o", getOrCreate),

	"DestroyObject":                on("qId:s", destroy(object.Generic)),
	"DestroySessionObject":         on("qId:s", destroy(object.Generic)),
	"DestroyDimension":             on("qId:s", destroy(object.Dimension)),
	"DestroyMeasure":               on("qId:s", destroy(object.Measure)),
	"DestroyBookmark":              on("qId:s", destroy(object.Bookmark)),
	"DestroyVariableById":          on("qId:s", destroy(object.Variable)),
	"DestroySessionVariableById":   on("qId:s", destroy(object.Variable)),
	"DestroySessionVariable":       on("qId:s", destroy(object.Variable)),
	"DestroyVariableByName":        on("qName:s", destroyByName("qSuccess")),
	"DestroySessionVariableByName": on("qName:s", destroyByName("qSuccess")),
	"RemoveVariable":               on("qName:s", destroyByName("qReturn")),

	"CloneObject":    on("qId:s", clone(object.Generic)),
	"CloneDimension": on("qId:s", clone(object.Dimension)),
	"CloneMeasure":   on("qId:s", clone(object.Measure)),
	"CloneBookmark":  on("qId:s", clone(object.Bookmark)),

	"GetAllInfos":          on("", getAllInfos),
	"GetObjects":           on("qOptions:o", getObjects),
	"GetBookmarks":         on("qOptions:o", getBookmarks),
	"GetVariables":         on("qListDef:o", func(c *call) error { c.put("qList", c.s.AppendVariableItems(nil, c.arg("qListDef"))); return nil }),
	"GetFavoriteVariables": on("", func(c *call) error { c.putNode("qNames", tree.NewArray()); return nil }),
	"SetFavoriteVariables": on("qNames:a", func(*call) error { return nil }),
	"ClearAllSoftPatches":  on("", func(c *call) error { c.s.ClearAllSoftPatches(); return nil }),
}

func create(kind object.Kind) func(*call) error {
	return func(c *call) error { return c.putCreated(c.s.Create(kind, c.arg("qProp"), nil)) }
}

func createBookmark(c *call) error {
	props := c.arg("qProp")
	return c.putCreated(c.s.Create(object.Bookmark, props, c.s.KeepState(props.Get("qIncludeVariables").Truth())))
}

func createSession(kind object.Kind) func(*call) error {
	return func(c *call) error {
		ref, err := c.s.CreateSession(kind, c.arg("qProp"))
		if err != nil {
			return err
		}
		c.putRef("qReturn", ref)
		if kind == object.Variable {
			c.putNode("qInfo", c.s.Item(ref.ID).Info())
		}
		return nil
	}
}

func createVariable(c *call) error {
	_, err := c.s.Create(object.Variable, obj(text("qName", c.str("qName"))), nil)
	return c.done("qReturn", true, err)
}

func get(kind object.Kind) func(*call) error {
	return func(c *call) error {
		c.putRef("qReturn", c.s.Open(kind, c.str("qId")))
		return nil
	}
}

func getOrCreate(c *call) error {
	ref := c.s.Open(object.Generic, c.arg("qProp").Get("qInfo").Get("qId").Str())
	c.putBool("qNewObject", ref == nil)
	if ref == nil {
		var err error
		if ref, err = c.s.Create(object.Generic, c.arg("qProp"), nil); err != nil {
			return err
		}
	}
	c.putRef("qReturn", ref)
	return nil
}

func destroy(kind object.Kind) func(*call) error {
	return func(c *call) error {
		c.putBool("qSuccess", c.s.Destroy(kind, c.str("qId")))
		return nil
	}
}

func destroyByName(out string) func(*call) error {
	return func(c *call) error {
		it := c.s.VariableItem(c.str("qName"))
		c.putBool(out, it != nil && c.s.Destroy(object.Variable, it.ID))
		return nil
	}
}

func clone(kind object.Kind) func(*call) error {
	return func(c *call) error {
		it, err := c.s.Clone(kind, c.str("qId"))
		if err != nil {
			return err
		}
		c.putString("qCloneId", it.ID)
		return nil
	}
}

func getAllInfos(c *call) error {
	if _, err := c.s.App(); err != nil {
		return err
	}
	var infos []*tree.Node
	for _, it := range c.s.AllItems() {
		infos = append(infos, it.Info())
	}
	c.putNode("qInfos", tree.NewArray(infos...))
	return nil
}

func getObjects(c *call) error {
	o := c.arg("qOptions")
	c.put("qList", c.s.AppendItemList(nil, object.Generic, wanted(o), o.Get("qData"), o.Get("qIncludeSessionObjects").Truth()))
	return nil
}

func getBookmarks(c *call) error {
	o := c.arg("qOptions")
	c.put("qList", c.s.AppendItemList(nil, object.Bookmark, wanted(o), o.Get("qData"), false))
	return nil
}

// wanted returns the types of options, none where the only one is empty.
func wanted(options *tree.Node) []string {
	types := options.Get("qTypes").Strings()
	if len(types) == 1 && types[0] == "" {
		return nil
	}
	return types
}

// itemMethods are what all items but generic objects have in common.
var itemMethods = map[string]method{
	"GetInfo":          on("", getInfo),
	"GetLayout":        on("", getLayout),
	"GetProperties":    on("", getProperties),
	"SetProperties":    on("qProp:o", setProperties),
	"ApplyPatches":     on("qPatches:a qSoftPatch:b", applyPatches),
	"GetLinkedObjects": on("", getLinked),
	"Publish":          on("", func(c *call) error { return c.s.Publish(c.ref.ID, true) }),
	"UnPublish":        on("", func(c *call) error { return c.s.Publish(c.ref.ID, false) }),
	"Approve":          on("", func(c *call) error { return c.s.Approve(c.ref.ID, true) }),
	"UnApprove":        on("", func(c *call) error { return c.s.Approve(c.ref.ID, false) }),
}

func getInfo(c *call) error {
	it, err := c.item()
	if err == nil {
		c.putNode("qInfo", it.Info())
	}
	return err
}

func getLayout(c *call) error {
	layout, err := c.s.AppendLayout(c.ctx, nil, c.ref)
	if err == nil {
		c.put("qLayout", layout)
	}
	return err
}

func getProperties(c *call) error {
	it, err := c.item()
	if err == nil {
		c.putNode("qProp", it.Props)
	}
	return err
}

func setProperties(c *call) error { return c.s.SetProperties(c.ref.ID, c.arg("qProp")) }

func applyPatches(c *call) error {
	patches, err := readPatches(c.arg("qPatches"))
	if err != nil {
		return err
	}
	return c.s.ApplyPatches(c.ref.ID, patches, c.bool("qSoftPatch"))
}

func getLinked(c *call) error {
	if _, err := c.s.App(); err != nil {
		return err
	}
	var items []*tree.Node
	for _, it := range c.s.AllItems() {
		if d := object.DepsOf(it.Props); d.OnItem(c.ref.ID) {
			items = append(items, obj(node("qInfo", it.Info()), text("qRootId", rootOf(c, it))))
		}
	}
	c.putNode("qItems", tree.NewArray(items...))
	return nil
}

func rootOf(c *call, it *object.Item) string {
	for range 100 { // more than objects are ever nested
		up := c.s.Item(it.Parent)
		if up == nil {
			break
		}
		it = up
	}
	return it.ID
}
