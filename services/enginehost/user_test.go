package enginehost

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// TestIdentify reads the headers of a proxy, which encodes what could end a value.
func TestIdentify(t *testing.T) {
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.Set("X-Qlik-User", "UserDirectory=DOM; UserId=ann")
	ctx.Request.Header.Set("X-Qlik-Security", "Context=AppAccess; group=R%3BD; Group=%2541dmins; email=ann@dom")
	c := identify(&ctx)
	if g := c.user.Groups; c.user.ID != `DOM\ann` || c.user.Email != "ann@dom" || len(g) != 2 || g[0] != "R;D" || g[1] != "%41dmins" {
		t.Errorf("%+v", *c.user)
	}
	if g := c.attributes["group"]; len(g) != 2 || g[0] != "R;D" {
		t.Errorf("attributes: %q", g)
	}
}
