// Light or dark: as the system says, or as the user has chosen.
export function theme(): void {
  const root = document.documentElement; const stored = localStorage.getItem('theme');
  if (stored) root.dataset.theme = stored;
  document.getElementById('theme')!.addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
  });
}
