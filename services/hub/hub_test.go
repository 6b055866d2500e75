package hub

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// A person reads two streams and an app.
type person struct {
	filters *[]string
	fails   error
}

func (p person) List(_ context.Context, typ, filter string) ([]Entity, error) {
	*p.filters = append(*p.filters, typ+": "+filter)
	stream := Entity{"id": "00000000-0000-0000-0000-00000000000a", "name": "News", "privileges": nil}
	if typ == "Stream" {
		if strings.Contains(filter, "-00000000000b") {
			return nil, p.fails
		}
		return []Entity{stream}, p.fails
	}
	return []Entity{{"id": "1", "name": "Sales", "secret": "x", "owner": map[string]any{"id": "2", "name": "Ann"}, "stream": stream}}, p.fails
}

func (p person) Favorites(context.Context) ([]string, error) {
	return []string{"00000000-0000-0000-0000-000000000001", "x or true", "00000000-0000-0000-0000-000000000002"}, p.fails
}

func (p person) MayCreate(_ context.Context, typ string) (bool, error) { return typ == "App", p.fails }

func (p person) Who(context.Context) (Person, error) { return Person{"DOM", "o'ann", "Ann"}, p.fails }

func TestHandle(t *testing.T) {
	var filters []string
	s := New(Options{})
	ask := func(method, path string, fails error) (int, map[string]any) {
		t.Helper()
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetMethod(method)
		ctx.Request.SetRequestURI(path)
		filters = nil
		s.Handle(&ctx, person{&filters, fails})
		var body map[string]any
		if text := ctx.Response.Body(); len(text) > 0 && text[0] == '{' {
			if err := json.Unmarshal(text, &body); err != nil {
				t.Fatal(err)
			}
		}
		return ctx.Response.StatusCode(), body
	}
	status, body := ask("GET", "/api/hub/v1/apps/stream/00000000-0000-0000-0000-00000000000A", nil)
	app := body["data"].([]any)[0].(map[string]any)
	if attributes := app["attributes"].(map[string]any); status != 200 || attributes["name"] != "Sales" || attributes["secret"] != nil {
		t.Errorf("%d %v", status, body)
	}
	if want := []string{"Stream: id eq 00000000-0000-0000-0000-00000000000a", "App: published eq true and stream.id eq 00000000-0000-0000-0000-00000000000a"}; !slices.Equal(filters, want) {
		t.Errorf("asked for %q", filters)
	}
	if _, body = ask("GET", "/api/hub/v1/streams/", nil); len(body["data"].([]any)[0].(map[string]any)["attributes"].(map[string]any)["privileges"].([]any)) != 0 {
		t.Errorf("streams %v", body)
	}
	for path, of := range map[string]string{"/api/hub/v1/apps/user": "", "/api/hub/v1/apps/stream/myspace": "published eq false and "} {
		if ask("GET", path, nil); !slices.Equal(filters, []string{"App: " + of + "owner.userDirectory eq 'DOM' and owner.userId eq 'o''ann'"}) {
			t.Errorf("own apps: asked for %q", filters)
		}
	}
	if _, body = ask("GET", "/api/hub/v1/user/info", nil); body["data"].(map[string]any)["attributes"].(map[string]any)["name"] != "Ann" {
		t.Errorf("user %v", body)
	}
	if ask("GET", "/api/hub/v1/apps/favorites", nil); !slices.Equal(filters, []string{"App: id eq 00000000-0000-0000-0000-000000000001 or id eq 00000000-0000-0000-0000-000000000002"}) {
		t.Errorf("favourites: asked for %q", filters)
	}
	for _, tt := range []struct {
		method, path string
		fails        error
		status       int
	}{
		{"POST", "/api/hub/v1/streams", nil, 405},
		{"GET", "/api/hub/v1/apps/stream/00000000-0000-0000-0000-00000000000b", nil, 404},
		{"GET", "/api/hub/v1/apps/stream/x%20or%20published%20eq%20true", nil, 404},
		{"GET", "/api/odag/v1/links/1/requests", nil, 404},
		{"GET", "/api", nil, 404},
		{"GET", "/api/hub/v1/streams", errors.New("the database is away"), 503},
	} {
		if status, body := ask(tt.method, tt.path, tt.fails); status != tt.status || body["errors"] == nil || strings.Contains(body["errors"].([]any)[0].(map[string]any)["detail"].(string), "database") {
			t.Errorf("%s %s: %d %v, want %d", tt.method, tt.path, status, body, tt.status)
		}
	}
}
