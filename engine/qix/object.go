package qix

import (
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// objectMethods are the methods of a generic object.
var objectMethods = merge(itemMethods, objectCubes, map[string]method{
	"GetEffectiveProperties": on("", getEffective),
	"ClearSoftPatches":       on("", func(c *call) error { c.s.ClearSoftPatches(c.ref.ID); return nil }),
	"CopyFrom":               on("qFromId:s", copyFrom),

	"CreateChild":         on("qProp:o qPropForThis:o", createChild),
	"GetChild":            on("qId:s", getChild),
	"GetChildInfos":       on("", getChildInfos),
	"GetParent":           on("", getParent),
	"DestroyChild":        on("qId:s qPropForThis:o", destroyChild),
	"DestroyAllChildren":  on("qPropForThis:o", destroyAllChildren),
	"SetChildArrayOrder":  on("qIds:a", setChildOrder),
	"GetFullPropertyTree": on("", getFullTree),
	"SetFullPropertyTree": on("qPropEntry:o", setFullTree),
	"GetSnapshotObject":   on("", func(c *call) error { c.putRef("qReturn", nil); return nil }),

	"BeginSelections":     on("qPaths:a", func(c *call) error { return c.s.BeginSelections(c.ref.ID, c.strings("qPaths")) }),
	"EndSelections":       on("qAccept:b", func(c *call) error { return c.s.EndSelections(c.ref.ID, c.bool("qAccept")) }),
	"ResetMadeSelections": on("", func(c *call) error { c.s.ResetMadeSelections(); return nil }),
})

func getEffective(c *call) error {
	it, err := c.item()
	if err == nil {
		c.putNode("qProp", c.s.Effective(it))
	}
	return err
}

func copyFrom(c *call) error {
	from := c.s.Item(c.str("qFromId"))
	if from == nil {
		return &Error{codeNotFound, c.str("qFromId"), "Object not found"}
	}
	return c.s.SetProperties(c.ref.ID, from.Props)
}

// setOwn writes the properties that calls about children may bring for the
// object itself.
func (c *call) setOwn() error {
	props := c.arg("qPropForThis")
	if props.Len() == 0 {
		return nil
	}
	return c.s.SetProperties(c.ref.ID, props)
}

func createChild(c *call) error {
	if err := c.setOwn(); err != nil {
		return err
	}
	return c.putCreated(c.s.CreateChild(c.ref.ID, c.arg("qProp")))
}

func getChild(c *call) error {
	it := c.s.Item(c.str("qId"))
	if it == nil || it.Parent != c.ref.ID {
		c.putRef("qReturn", nil)
		return nil
	}
	c.putRef("qReturn", c.s.Open(object.Generic, it.ID))
	return nil
}

func getParent(c *call) error {
	it, err := c.item()
	if err == nil {
		c.putRef("qReturn", c.s.Open(object.Generic, it.Parent))
	}
	return err
}

func getChildInfos(c *call) error {
	it, err := c.item()
	if err != nil {
		return err
	}
	var infos []*tree.Node
	for _, child := range c.s.Children(it) {
		infos = append(infos, child.Info())
	}
	c.putNode("qInfos", tree.NewArray(infos...))
	return nil
}

func destroyChild(c *call) error {
	if err := c.setOwn(); err != nil {
		return err
	}
	it := c.s.Item(c.str("qId"))
	c.putBool("qSuccess", it != nil && it.Parent == c.ref.ID && c.s.Destroy(object.Generic, it.ID))
	return nil
}

func destroyAllChildren(c *call) error {
	if err := c.setOwn(); err != nil {
		return err
	}
	it, err := c.item()
	if err != nil {
		return err
	}
	for _, child := range it.Children {
		c.s.Destroy(object.Generic, child)
	}
	return nil
}

func setChildOrder(c *call) error {
	return c.s.Reorder(c.ref.ID, c.strings("qIds"))
}

func getFullTree(c *call) error {
	it, err := c.item()
	if err == nil {
		c.putNode("qPropEntry", c.s.FullTree(it))
	}
	return err
}

func setFullTree(c *call) error { return c.s.SetFullTree(c.ref.ID, c.arg("qPropEntry")) }
