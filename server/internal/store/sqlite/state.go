package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"chatroom/server/internal/chat"
)

// recordJob is a write of a record. A nil value deletes it.
type recordJob struct {
	key      string
	value    []byte
	revision uint64 // that it must have
	answer   func(recordOutcome)
	outcome  recordOutcome
}

type recordOutcome struct {
	revision uint64
	err      error
}

// Get implements chat.State.
func (s *Store) Get(ctx context.Context, key string) (chat.Record, error) {
	if err := chat.CheckKey(key); err != nil {
		return chat.Record{}, recordError(key, err)
	}
	record := chat.Record{Key: key}
	err := s.read(ctx, func(r *reader) error {
		if err := r.record.BindText(1, key); err != nil {
			return err
		}
		found := false
		err := each(r.record, func() error {
			found = true
			record.Value = r.record.ColumnBlob(0, nil)
			record.Revision = uint64(r.record.ColumnInt64(1))
			return nil
		})
		if err == nil && !found {
			err = chat.ErrNoRecord
		}
		return err
	})
	if err != nil {
		return chat.Record{}, recordError(key, err)
	}
	return record, nil
}

// Put implements chat.State.
func (s *Store) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	value = bytes.Clone(value)
	if value == nil {
		value = []byte{}
	}
	return s.writeRecord(ctx, &recordJob{key: key, value: value, revision: revision})
}

// Delete implements chat.State.
func (s *Store) Delete(ctx context.Context, key string, revision uint64) error {
	_, err := s.writeRecord(ctx, &recordJob{key: key, revision: revision})
	return err
}

func (s *Store) writeRecord(ctx context.Context, j *recordJob) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := errors.Join(chat.CheckKey(j.key), chat.CheckValue(j.value)); err != nil {
		return 0, recordError(j.key, err)
	}
	answer := make(chan recordOutcome, 1)
	j.answer = func(o recordOutcome) { answer <- o }
	if err := s.queue.put(ctx, job{record: j}); err != nil {
		return 0, recordError(j.key, err)
	}
	select {
	case o := <-answer:
		if o.err != nil {
			return 0, recordError(j.key, o.err)
		}
		return o.revision, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// List implements chat.State.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]chat.Record, error) {
	var records []chat.Record
	if err := chat.CheckPrefix(prefix); err != nil {
		return nil, fmt.Errorf("sqlite: list the records under %q: %w", prefix, err)
	}
	if limit <= 0 {
		return nil, ctx.Err()
	}
	err := s.read(ctx, func(r *reader) error {
		end := strings.TrimSuffix(prefix, "/") + "0" // the byte after the slash
		if prefix == "" {
			end = "\U0010FFFF\U0010FFFF"
		}
		for i, text := range []string{after, prefix, end} {
			if err := r.records.BindText(i+1, text); err != nil {
				return err
			}
		}
		if err := r.records.BindInt(4, min(limit, maxRows)); err != nil {
			return err
		}
		return each(r.records, func() error {
			records = append(records, chat.Record{
				Key:      r.records.ColumnText(0),
				Value:    r.records.ColumnBlob(1, nil),
				Revision: uint64(r.records.ColumnInt64(2)),
			})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: list the records under %q: %w", prefix, damagedError(err))
	}
	return records, nil
}

// stageRecord writes a record within the transaction, or says in the outcome why
// not.
func (w *writer) stageRecord(j *recordJob) error {
	var revision uint64
	if err := w.recordRevision.BindText(1, j.key); err != nil {
		return err
	}
	err := each(w.recordRevision, func() error {
		revision = uint64(w.recordRevision.ColumnInt64(0))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read a record: %w", err)
	}
	if revision != j.revision || revision == 0 && j.value == nil {
		j.outcome = recordOutcome{err: chat.ErrRevision}
		return nil
	}
	last := w.revision
	w.tx.undo = append(w.tx.undo, func() { w.revision = last })
	w.revision++
	if err := w.storeRecord(j); err != nil {
		return fmt.Errorf("write a record: %w", err)
	}
	j.outcome = recordOutcome{revision: w.revision}
	w.tx.records = append(w.tx.records, chat.Record{Key: j.key, Value: j.value, Revision: w.revision})
	return nil
}

func (w *writer) storeRecord(j *recordJob) error {
	s := w.deleteRecord
	if j.value != nil {
		s = w.putRecord
		if err := bindPayload(s, 2, j.value); err != nil {
			return err
		}
		if err := s.BindInt64(3, int64(w.revision)); err != nil {
			return err
		}
	}
	if err := s.BindText(1, j.key); err != nil {
		return err
	}
	if err := s.Exec(); err != nil {
		return err
	}
	return run(w.updateRevision, int64(w.revision))
}

// recordError adds the record's key.
func recordError(key string, err error) error {
	return fmt.Errorf("sqlite: record %q: %w", key, damagedError(err))
}
