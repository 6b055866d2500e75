package site

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A door makes the virtual proxies of a node of what the repository says of
// them. One that is set up wrongly lets nobody in, and the log says why; the
// others stand.
type door struct {
	store   *store.Store
	node    string // id
	users   auth.LocalUsers
	tickets *auth.Tickets
	client  *http.Client
	trusted []netip.Prefix // who may name users in a header
	rest    string         // where modules reach the REST interface: https://host:port
	log     *slog.Logger
	saml    func() (crypto.Signer, *x509.Certificate, error) // by which identity providers know the site

	mu    sync.Mutex
	wrong map[string]string // by virtual proxy: what was wrong with it the last time
	ways  map[string]way    // the same: how people log in
}

// A way is how people log in at a virtual proxy. It stays as long as its
// settings do: it knows who is logging in just now.
type way struct {
	settings auth.Settings
	methods  auth.Chain
}

// clientTimeout bounds requests to identity providers and modules.
const clientTimeout = 20 * time.Second

// list returns the virtual proxies of the node's proxy service.
func (d *door) list(ctx context.Context) ([]proxy.VirtualProxy, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wrong == nil {
		d.wrong, d.ways = map[string]string{}, map[string]way{}
	}
	services, err := d.store.List(ctx, "ProxyService", store.Query{Where: filter.Equal("serverNodeConfiguration.id", d.node)})
	if err != nil {
		return nil, err
	}
	var out []proxy.VirtualProxy
	for _, s := range services {
		settings := objectOf(s.Doc["settings"])
		page, _ := settings["formAuthenticationPageTemplate"].(string)
		for _, id := range references(settings["virtualProxies"]) {
			e, err := d.store.Get(ctx, "VirtualProxyConfig", id)
			if errors.Is(err, store.ErrNotFound) { // deleted this very moment
				continue
			}
			if err != nil {
				return nil, err
			}
			out = d.add(ctx, out, e, page)
		}
	}
	return out, nil
}

// add adds a virtual proxy to those that can stand beside each other.
func (d *door) add(ctx context.Context, others []proxy.VirtualProxy, e *store.Entity, page string) []proxy.VirtualProxy {
	vp := basics(e)
	var err error
	if vp.Methods, err = d.methods(ctx, e, page); err != nil { // nobody logs in
		d.complain(e, err, "nobody can log in there")
	}
	all := append(slices.Clip(others), vp)
	if bad := proxy.Check(all); bad != nil && !errors.Is(bad, proxy.ErrNoDefault) {
		d.complain(e, bad, "it is left out")
		return others
	}
	if err == nil {
		delete(d.wrong, e.ID)
	}
	return all
}

// methods returns how people log in at a virtual proxy.
func (d *door) methods(ctx context.Context, e *store.Entity, page string) (auth.Chain, error) {
	settings, err := d.settings(ctx, e, page)
	if err != nil {
		return nil, err
	}
	if known, ok := d.ways[e.ID]; ok && reflect.DeepEqual(known.settings, settings) {
		return known.methods, nil
	}
	delete(d.ways, e.ID)
	chain, err := auth.NewChain(settings, auth.Tools{Tickets: d.tickets, Client: d.client, Rand: rand.Reader, Now: time.Now})
	if err != nil {
		return nil, err
	}
	d.ways[e.ID] = way{settings, chain}
	return chain, nil
}

// complain logs what is wrong with a virtual proxy, once for each mistake.
func (d *door) complain(e *store.Entity, err error, so string) {
	if d.wrong[e.ID] == err.Error() {
		return
	}
	d.wrong[e.ID] = err.Error()
	d.log.Error("a virtual proxy is set up wrongly: "+so, "prefix", text(e, "prefix"), "id", e.ID, "err", err)
}

// basics are the settings that have nothing to do with logging in.
func basics(e *store.Entity) proxy.VirtualProxy {
	return proxy.VirtualProxy{
		Prefix: text(e, "prefix"), Cookie: text(e, "sessionCookieHeaderName"), CookieDomain: text(e, "sessionCookieDomain"),
		SameSite: sameSite(whole(e.Doc["sameSiteAttributeHttps"])), Timeout: time.Duration(whole(e.Doc["sessionInactivityTimeout"])) * time.Minute,
		Origins: texts(e.Doc["websocketCrossOriginWhiteList"]), ResponseHeaders: text(e, "additionalResponseHeaders"),
		Environment: truth(e, "extendedSecurityEnvironment"), Sticky: truth(e, "useStickyLoadBalancing"),
		Nodes: append([]string{}, references(e.Doc["loadBalancingServerNodes"])...), // none = no engine
	}
}

// sameSite leaves out the values that say nothing more than the default.
func sameSite(n int) proxy.SameSite {
	if s := proxy.SameSite(n); s == proxy.SameSiteNone || s == proxy.SameSiteStrict {
		return s
	}
	return proxy.SameSiteLax
}

// settings are those of logging in.
func (d *door) settings(ctx context.Context, e *store.Entity, page string) (auth.Settings, error) {
	prefix := text(e, "prefix")
	s := auth.Settings{
		Prefix: prefix, Kind: auth.Kind(whole(e.Doc["authenticationMethod"])), Anonymous: auth.AnonymousMode(whole(e.Doc["anonymousAccessMode"])),
		SessionModule: text(e, "sessionModuleBaseUri"),
		Module:        auth.TicketModuleOptions{URI: text(e, "authenticationModuleRedirectUri"), RestURI: d.rest + "/qps/" + slashed(prefix)},
		Form:          auth.FormOptions{Directory: LocalDirectory, Title: "Log in to Cognate", Page: page, Users: d.users},
	}
	switch s.Kind {
	case auth.ByHeaderStatic:
		s.Header = auth.HeaderOptions{Header: text(e, "headerAuthenticationHeaderName"), Directory: text(e, "headerAuthenticationStaticUserDirectory"), Trusted: d.trusted}
	case auth.ByHeaderDynamic:
		s.Header = auth.HeaderOptions{Header: text(e, "headerAuthenticationHeaderName"), Pattern: text(e, "headerAuthenticationDynamicUserDirectory"), Trusted: d.trusted}
	case auth.ByJWT:
		s.JWT = auth.JWTOptions{Key: text(e, "jwtPublicKeyCertificate"), Audience: text(e, "jwtAudience"), Profile: profile(e, "jwt")}
	case auth.BySAML:
		var err error
		s.SAML, err = d.serviceProvider(e)
		return s, err
	case auth.ByOIDC:
		return s, d.openID(ctx, e, &s.OIDC)
	}
	return s, nil
}

// samlMetadata describes a virtual proxy to an identity provider.
func (d *door) samlMetadata(ctx context.Context, id string) ([]byte, error) {
	e, err := d.store.Get(ctx, "VirtualProxyConfig", id)
	if err != nil {
		return nil, err
	}
	o, err := d.serviceProvider(e)
	if err != nil {
		return nil, err
	}
	o.Prefix = text(e, "prefix")
	return auth.SAMLMetadata(o)
}

// serviceProvider are the settings of SAML. Requests are signed, with SHA-256
// whatever samlAttributeSigningAlgorithm says: nobody should trust SHA-1.
func (d *door) serviceProvider(e *store.Entity) (o auth.SAMLOptions, err error) {
	o = auth.SAMLOptions{HostURI: text(e, "samlHostUri"), EntityID: text(e, "samlEntityId"), Metadata: text(e, "samlMetadataIdP"), Profile: profile(e, "saml")}
	o.Key, o.Certificate, err = d.saml()
	return o, err
}

func slashed(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}

// profile reads which claims make a user: jwtAttributeUserId, jwtAttributeMap
// and the like.
func profile(e *store.Entity, kind string) auth.Profile {
	return auth.Profile{UserID: text(e, kind+"AttributeUserId"), Directory: text(e, kind+"AttributeUserDirectory"), Attributes: mappings(e, kind)}
}

func mappings(e *store.Entity, kind string) (list []auth.Mapping) {
	items, _ := e.Doc[kind+"AttributeMap"].([]any)
	for _, item := range items {
		m := objectOf(item)
		from, _ := m[kind+"Attribute"].(string)
		to, _ := m["senseAttribute"].(string)
		mandatory, _ := m["isMandatory"].(bool)
		list = append(list, auth.Mapping{From: from, To: to, Mandatory: mandatory})
	}
	return list
}

func (d *door) openID(ctx context.Context, e *store.Entity, o *auth.OIDCOptions) error {
	secret, err := d.store.Secret(ctx, e.ID, "oidcClientSecret")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	*o = auth.OIDCOptions{
		Discovery: text(e, "oidcConfigurationEndpointUri"), ClientID: text(e, "oidcClientId"), ClientSecret: secret, Realm: text(e, "oidcRealm"),
		Profile: auth.Profile{UserID: text(e, "oidcAttributeSub"), Name: text(e, "oidcAttributeName"), Attributes: mappings(e, "oidc")},
		Scopes:  strings.Fields(text(e, "oidcScope")),
	}
	for field, attribute := range map[string]string{
		"oidcAttributeGroups": "group", "oidcAttributeEmail": "email", "oidcAttributeClientId": "client_id", "oidcAttributePicture": "picture",
	} {
		if name := text(e, field); name != "" {
			o.Profile.Attributes = append(o.Profile.Attributes, auth.Mapping{From: name, To: attribute})
		}
	}
	return nil
}

// objectOf returns a value that is an object, or an empty one.
func objectOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// references returns the ids of a list of references.
func references(v any) (ids []string) {
	list, _ := v.([]any)
	for _, item := range list {
		if id, ok := objectOf(item)["id"].(string); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// texts returns the texts of a list.
func texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, item := range list {
		out = append(out, fmt.Sprint(item))
	}
	return out
}
