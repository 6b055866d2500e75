package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/web/sample"
)

// makeSample makes the sample app unless there is one.
func makeSample(ctx context.Context, lib *app.Library, log *slog.Logger) error {
	id, err := lib.Create(sample.Title)
	if errors.Is(err, app.ErrExists) {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := lib.Open(id)
	if err != nil {
		return err
	}
	defer lib.Close(a)
	a.SetScript(sample.Script)
	log.Info("loading the sample app", "app", sample.Title)
	ok, err := a.Reload(ctx, "")
	if err == nil && !ok {
		err = fmt.Errorf("%s", reasons(a.Progress()))
	}
	if err != nil {
		return errors.Join(err, lib.Delete(id))
	}
	log.Info("sample app loaded", "seconds", a.Progress().Took.Seconds())
	return a.Save()
}
