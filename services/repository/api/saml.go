package api

import (
	"bytes"
	"io"

	"github.com/valyala/fasthttp"
)

// samlTicket makes a ticket for the description of a virtual proxy.
func (s *Server) samlTicket(r *request) (answer, error) {
	if s.opt.SAMLMetadata == nil {
		return answer{}, &statusError{fasthttp.StatusNotImplemented, "this node has no proxy"}
	}
	ticket, err := s.repo.MetadataTicket(r, r.caller, r.args["id"])
	if err != nil {
		return answer{}, err
	}
	return ok(value(ticket))
}

// samlMetadata answers the description of a ticket, once.
func (s *Server) samlMetadata(r *request) (answer, error) {
	id, err := s.repo.TakeMetadata(r.caller, r.args["ticket"])
	if err != nil {
		return answer{}, err
	}
	text, err := s.opt.SAMLMetadata(r, id)
	if err != nil {
		return answer{}, badRequest("%v", err)
	}
	return ok(download{io.NopCloser(bytes.NewReader(text)), int64(len(text)), "application/samlmetadata+xml"})
}
