package qix

import (
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// docSelect are the methods about selections of the whole app.
var docSelect = map[string]method{
	"GetField":     on("qFieldName:s qStateName:s", getField),
	"ClearAll":     on("qLockedAlso:b qStateName:s", func(c *call) error { return c.s.ClearAll(c.str("qStateName"), c.bool("qLockedAlso"), "") }),
	"LockAll":      on("qStateName:s", func(c *call) error { return c.s.LockAll(c.str("qStateName"), true) }),
	"UnlockAll":    on("qStateName:s", func(c *call) error { return c.s.LockAll(c.str("qStateName"), false) }),
	"Back":         on("", func(c *call) error { c.s.Back(); return nil }),
	"Forward":      on("", func(c *call) error { c.s.Forward(); return nil }),
	"BackCount":    on("", func(c *call) error { c.putInt("qReturn", c.s.History().BackCount()); return nil }),
	"ForwardCount": on("", func(c *call) error { c.putInt("qReturn", c.s.History().ForwardCount()); return nil }),
	"AbortModal":   on("qAccept:b", func(c *call) error { c.s.AbortModal(c.bool("qAccept")); return nil }),

	"AddAlternateState":           on("qStateName:s", func(c *call) error { return c.s.AddState(c.str("qStateName"), false, "") }),
	"AddSessionAlternateState":    on("qStateName:s qSourceStateName:s", addSessionState),
	"RemoveAlternateState":        on("qStateName:s", func(c *call) error { return c.s.RemoveState(c.str("qStateName"), false) }),
	"RemoveSessionAlternateState": on("qStateName:s", removeSessionState),

	"ApplyBookmark":             on("qId:s", applyBookmark),
	"ApplyAndVerifyBookmark":    on("qId:s", applyAndVerify),
	"ReplaceBookmark":           on("qId:s qIgnorePatches:b qObjectIdsToPatch:a", replaceBookmark),
	"CreateTemporaryBookmark":   on("qOptions:o qObjectIdsToPatch:a", createTemporary),
	"ApplyTemporaryBookmark":    on("qId:s", applyTemporary),
	"StoreTempSelectionState":   on("qTTLOfTempState:i", storeTemp),
	"RestoreTempSelectionState": on("qId:s", applyTemporary),
	"ApplyGroupStates": on("qGroupStates:a", func(c *call) error {
		c.putNode("qResult", obj(flag("qApplySuccess", true), node("qWarnings", tree.NewArray())))
		return nil
	}),
	"GetGroupStates": on("", func(c *call) error { c.putNode("qGroupStates", tree.NewArray()); return nil }),
}

func getField(c *call) error {
	ref, err := c.s.OpenField(c.str("qFieldName"), c.str("qStateName"))
	if err == nil {
		c.putRef("qReturn", ref)
	}
	return err
}

func addSessionState(c *call) error {
	return c.s.AddState(c.str("qStateName"), true, c.str("qSourceStateName"))
}

func removeSessionState(c *call) error {
	return c.done("qSuccess", true, c.s.RemoveState(c.str("qStateName"), true))
}

// kept returns the selections of a stored bookmark.
func (c *call) kept(id string) (*tree.Node, error) {
	if _, err := c.s.App(); err != nil {
		return nil, err
	}
	it := c.s.Stored(object.Bookmark, id)
	if it == nil {
		return nil, &Error{codeNotFound, id, "Bookmark not found"}
	}
	return it.State, nil
}

func (c *call) apply(id string) (missing int, err error) {
	kept, err := c.kept(id)
	if err != nil {
		return 0, err
	}
	return c.s.Apply(kept)
}

func applyBookmark(c *call) error {
	if _, err := c.s.App(); err != nil {
		return err
	}
	if c.s.Stored(object.Bookmark, c.str("qId")) == nil {
		c.putBool("qSuccess", false)
		return nil
	}
	_, err := c.apply(c.str("qId"))
	return c.done("qSuccess", true, err)
}

func applyAndVerify(c *call) error {
	missing, err := c.apply(c.str("qId"))
	if err != nil {
		return err
	}
	c.putNode("qResult", applyResult(missing))
	return nil
}

func applyResult(missing int) *tree.Node {
	return obj(flag("qApplySuccess", true), node("qVerifyResult", obj(node("qWarnings", tree.NewArray()), integer("qMissingValues", missing))))
}

func replaceBookmark(c *call) error {
	return c.putCreated(c.s.ReplaceBookmark(c.str("qId")))
}

func createTemporary(c *call) error {
	c.putString("qId", c.s.KeepTemporary(c.arg("qOptions").Get("qIncludeVariables").Truth()))
	c.putBool("qReturn", true)
	return nil
}

func storeTemp(c *call) error {
	c.putString("qId", c.s.KeepTemporary(false))
	c.putBool("qReturn", true)
	return nil
}

func applyTemporary(c *call) error {
	kept := c.s.Temporary(c.str("qId"))
	if kept == nil {
		c.putBool("qReturn", false)
		return nil
	}
	_, err := c.s.Apply(kept)
	return c.done("qReturn", true, err)
}

// docMethods are all methods of an app.
var docMethods = merge(docApp, docItems, showing(docSelect), showing(docData), showing(docSearch))
