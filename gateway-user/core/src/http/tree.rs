//! A tree of path elements.

use foldhash::HashMap;

/// Items at each path; those of the root are there for every path.
#[derive(Debug)]
pub(super) struct Tree<T> {
    items: Vec<T>,
    children: HashMap<Box<str>, Self>,
}

impl<T> Tree<T> {
    /// The items at a path.
    pub(super) fn at<'e>(&mut self, elements: impl Iterator<Item = &'e str>) -> &mut Vec<T> {
        let node = elements.fold(self, |node, element| {
            node.children.entry(element.into()).or_default()
        });
        &mut node.items
    }

    /// The items along a path, from the root on. What is walked is bounded by the tree, however long the
    /// path is.
    pub(super) fn along<'e>(
        &self,
        elements: impl Iterator<Item = &'e str>,
    ) -> impl Iterator<Item = &[T]> {
        let below = elements.scan(self, |node, element| {
            *node = node.children.get(element)?;
            Some(&*node.items)
        });
        std::iter::once(&*self.items).chain(below)
    }

    /// Does the same with the items at every path.
    pub(super) fn each(&mut self, change: &impl Fn(&mut [T])) {
        change(&mut self.items);
        self.children
            .values_mut()
            .for_each(|child| child.each(change));
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            children: HashMap::default(),
        }
    }
}
