package api

import (
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository"
)

// directoryTypes answers the kinds of user directories, each as a new connector
// of it may look.
func (s *Server) directoryTypes(r *request) ([]any, error) {
	types, err := s.repo.DirectoryTypes(r, r.caller)
	list := make([]any, len(types))
	for i := range types {
		list[i] = directoryType(&types[i])
	}
	return list, err
}

func directoryType(t *repository.DirectoryType) map[string]any {
	settings := make([]any, len(t.Settings))
	for i, s := range t.Settings {
		settings[i] = map[string]any{
			"name": s.Name, "category": s.Category, "userDirectorySettingType": json.Number(strconv.Itoa(s.Kind)), "secret": s.Secret, "value": s.Shown,
		}
	}
	return map[string]any{"name": t.Name, "type": t.ID, "settings": settings}
}

func (s *Server) connectors(r *request) (answer, error) {
	list, err := s.directoryTypes(r)
	if err != nil {
		return answer{}, err
	}
	return ok(list)
}

// refreshConnectors judges the connectors that there are anew, as kinds of
// directories come with the program.
func (s *Server) refreshConnectors(r *request) (answer, error) {
	list, err := s.directoryTypes(r)
	if err == nil {
		err = s.repo.RefreshDirectories(r, r.caller)
	}
	if err != nil {
		return answer{}, err
	}
	return created(list)
}

// syncDirectories starts the tasks of directories, all of which the caller may
// change.
func (s *Server) syncDirectories(r *request) (answer, error) {
	if s.opt.Tasks == nil {
		return answer{}, errNoTasks
	}
	var ids []string
	if err := r.json(&ids); err != nil {
		return answer{}, err
	}
	tasks := make([]string, len(ids))
	for i, id := range ids {
		var err error
		if tasks[i], err = s.repo.SyncTask(r, r.caller, id); err != nil {
			return answer{}, err
		}
	}
	for _, id := range tasks {
		if _, err := s.opt.Tasks.Start(r, id); err != nil {
			return answer{}, err
		}
	}
	return empty()
}

func (s *Server) deleteDirectoryAndUsers(r *request) (answer, error) {
	id, err := uuid.Parse(r.query["userdirectoryid"])
	if err != nil {
		return answer{}, badRequest("userdirectoryid: %v", err)
	}
	if err := s.repo.DeleteDirectoryAndUsers(r, r.caller, id.String()); err != nil {
		return answer{}, err
	}
	return empty()
}

// syncUser answers whether the directory of a user knows him, and brings him in
// line with it.
func (s *Server) syncUser(r *request) (answer, error) {
	there, err := s.repo.SyncUser(r, r.caller, r.args["userdirectory"], r.args["userid"])
	if err != nil {
		return answer{}, err
	}
	return ok(value(there))
}

// directoryRoutes are the special operations on user directories.
func (s *Server) directoryRoutes() []route {
	return []route{
		at("GET /userdirectoryconnector", s.connectors),
		at("POST /userdirectoryconnector/refreshudctypes", s.refreshConnectors),
		at("POST /userdirectoryconnector/syncuserdirectories", s.syncDirectories),
		long("DELETE /userdirectoryconnector/deleteudandusers", s.deleteDirectoryAndUsers),
		at("GET /user/sync/{userdirectory}/{userid}", s.syncUser),
	}
}
