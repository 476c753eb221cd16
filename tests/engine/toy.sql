create schema toy;

create table toy.place (code text primary key, name text);
create table toy.author (
    id uuid primary key, name text not null, nickname text, rating int, tags text[] not null default '{}',
    moods text[], home text, listed bool not null default false
);
create table toy.phone (author_id uuid primary key, sealed text not null, area text);
create table toy.book (
    id uuid primary key, author_id uuid not null, title text not null, pages int, state text not null, blurb text,
    published_on date, added_at timestamptz not null, price bigint not null, extra jsonb, sequel_of uuid
);
create table toy.review (id uuid primary key, book_id uuid not null, stars int not null, text text);
create table toy.revealed (operation text, subjects json);

insert into toy.place values ('bon', 'Bongaon'), ('bas', null), ('b"s\', 'Bas''ir"hat\');

-- Ids are made from numbers, so that a failing example can be read.
create function toy.id(kind text, n int) returns uuid language sql immutable
    as $$ select md5(kind || n)::uuid $$;

insert into toy.author (id, name, nickname, rating, tags, moods, home, listed) values
    (toy.id('author', 1), 'Ashapurna', 'asha', 5, '{a,"b c"}', '{glad,sad}', 'bon', true),
    (toy.id('author', 2), 'Bibhuti "B"', null, null, '{}', '{}', 'bas', true),
    (toy.id('author', 3), 'Chitra \ é ✓', 'hush', 3, '{x,null}', null, null, false),
    (toy.id('author', 4), 'Durga', 'void', null, '{"{}"}', '{glad,odd}', 'b"s\', true),
    (toy.id('author', 5), 'Ela', '', 3, '{}', null, 'nowhere', true);

insert into toy.phone values
    (toy.id('author', 1), '12345', '033'), (toy.id('author', 2), '67890', null), (toy.id('author', 4), '0', '0\"');

insert into toy.book
    select toy.id('book', n), toy.id('author', 1 + n % 4),
        chr(65 + (n * 7) % 26) || case when n % 5 = 0 then ' same' else ' title ' || n end,
        case when n % 3 = 0 then null else (n * 37) % 300 end,
        case when n = 11 then 'lost' when n % 2 = 0 then 'draft' else 'out' end,
        case when n % 4 = 1 then 'blurb ' || n end,
        case when n % 4 <> 2 then date '2001-01-01' + n end,
        timestamptz '2020-02-29 12:00:00.000001+05:30' + (n % 6) * interval '1 hour 1 microsecond',
        n * 9007199254740993,
        case when n % 3 = 1 then jsonb_build_object('n', n, 'k', array[null, n], '~', '{"x":"y"}') end,
        case when n between 12 and 15 then toy.id('book', n - 11) end
    from generate_series(1, 18) n;

insert into toy.review
    select toy.id('review', n), toy.id('book', 1 + n % 7), n % 4, case when n % 9 <> 4 then 'review ' || n end
    from generate_series(1, 40) n;
